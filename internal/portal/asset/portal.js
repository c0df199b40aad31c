// The script of all pages: it shows the parts that need scripts, and copies code.
document.documentElement.classList.add('script')

const clipboard = navigator.clipboard // only on secure origins
if (clipboard)
  for (const code of document.querySelectorAll('.code')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'copy'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      const done = await clipboard.writeText(code.querySelector('code').textContent).then(
        () => 'Copied',
        () => 'Not allowed',
      )
      button.textContent = done
      setTimeout(() => (button.textContent = 'Copy'), 1500)
    })
    code.append(button)
  }
