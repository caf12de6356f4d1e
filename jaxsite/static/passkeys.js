// Connects a button to what allauth's webauthn.js does: data-passkey names it, the other attributes its ids. Until then
// it is disabled: pressed without its script it would send an empty form.
for (const button of document.querySelectorAll('[data-passkey]')) {
  const { passkey, credential, options, passwordless } = button.dataset
  window.allauth.webauthn.forms[passkey]({
    ids: { add: button.id, login: button.id, authenticate: button.id, credential, data: options, passwordless },
  })
  button.disabled = false
}

// A browser that is told no, or a user who closes its window, is no fault of the page: it says so and stays.
document.addEventListener('allauth.error', (event) => {
  event.preventDefault()
  const notice = document.querySelector('[data-passkey-failed]')
  if (notice) notice.hidden = false
})
