"""Moving in from another system: CSV files as clinics have them, read without asking what can be found out."""
