// A button with data-reveal, hidden on the plain page, shows the password of the field that it
// names. A form is sent with the password hidden: browsers remember what shown fields hold.
for (const button of document.querySelectorAll('button[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal)
  const show = (shown) => {
    input.type = shown ? 'text' : 'password'
    button.setAttribute('aria-pressed', shown)
  }
  button.addEventListener('click', () => show(input.type === 'password'))
  input.form.addEventListener('submit', () => show(false))
  button.hidden = false
}
