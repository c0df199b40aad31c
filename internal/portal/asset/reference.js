// Search in the reference: operations and schemas with all words stay visible.
{
  const form = document.querySelector('.reference .search')
  const input = form.querySelector('input')
  const status = form.querySelector('[role=status]')
  const about = document.getElementById('about')
  const articles = [...document.querySelectorAll('.operation')].map((element) => ({
    element,
    entry: document.querySelector(`[data-for="${element.id}"]`),
    text: (element.dataset.search + ' ' + element.textContent).toLowerCase(),
  }))
  const groups = [...document.querySelectorAll('.tag'), ...document.querySelectorAll('.side .group:not(:first-child)')]

  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean)
    let found = 0
    for (const { element, entry, text } of articles) {
      const hidden = !words.every((word) => text.includes(word))
      element.hidden = entry.hidden = hidden
      if (!hidden) found++
    }
    about.hidden = words.length > 0
    for (const group of groups) group.hidden = !group.querySelector('.operation:not([hidden]), [data-for]:not([hidden])')
    status.textContent = words.length ? (found || 'nothing') + ' found' : ''
    if (words.length) scrollTo(0, 0)
  }

  form.hidden = false
  form.addEventListener('submit', (event) => event.preventDefault())
  input.addEventListener('input', search)
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    input.value = ''
    search()
  })
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target.matches('input, textarea')) return
    event.preventDefault()
    input.focus()
  })
}
