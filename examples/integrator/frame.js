// The widget in the frame tells this page what happens (postMessage). Its last message
// is "redirect_to"; those before name the steps, for whoever wants to show them.
const { origin } = document.currentScript.dataset

addEventListener('message', (event) => {
  if (event.origin !== origin) return // anybody may send us messages
  const { eventName, status, result, connection_id } = event.data
  if (eventName !== 'redirect_to') return
  // What it says is a hint: our server asks the API for what is true.
  location.replace('/back?' + new URLSearchParams({ status, result, connection_id: connection_id ?? '' }))
})
