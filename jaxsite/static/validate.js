// The admin's forms ask the browser not to check them. Then a number that is none is sent as an empty text,
// which means the default here: so where this script is loaded the browser checks.
for (const form of document.querySelectorAll("form[novalidate]")) form.noValidate = false;
