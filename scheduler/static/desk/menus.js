// The bar's menus close by Escape, by a press beside them and when the focus goes on; without this file their names close them.
const openMenu = () => document.querySelector(".menu[open]");

document.addEventListener(
  "keydown",
  (event) => {
    const menu = openMenu();
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    event.stopPropagation(); // what else Escape would close stays open
  },
  true,
);
document.addEventListener("pointerdown", closeUnlessIn);
document.addEventListener("focusin", closeUnlessIn);

function closeUnlessIn(event) {
  const menu = openMenu();
  if (menu && !menu.contains(event.target)) menu.open = false;
}

// Of a row of tabs that is wider than the window, the one shown here.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
