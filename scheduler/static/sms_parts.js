// Parts as domain/texts/sms_segments.py counts them; the alphabets come with the page.
function segments(text, basic, extended) {
  const letters = [...text.normalize("NFC")];
  const plain = letters.every((letter) => basic.has(letter) || extended.has(letter));
  const sizes = plain ? letters.map((letter) => (extended.has(letter) ? 2 : 1)) : letters.map((letter) => letter.length);
  const [single, joined] = plain ? [160, 153] : [70, 67];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= single) return { parts: 1, left: single - total, plain };
  let parts = 1;
  let room = joined;
  for (const size of sizes) {
    if (size > room) {
      parts += 1;
      room = joined;
    }
    room -= size;
  }
  return { parts, left: room, plain };
}
