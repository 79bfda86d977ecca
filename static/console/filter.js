// Send a filter form as soon as a choice is made; the button stays for those without this script.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select, input[type=checkbox], input[type=date], input[type=datetime-local]")) form.requestSubmit();
});
