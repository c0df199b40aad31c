// The quickstart fills requests with values, sends them to this platform and shows the
// responses. Nothing is stored outside the page.
{
  const page = document.querySelector('.quickstart')
  const inputs = new Map([...page.querySelectorAll('[data-value]')].map((input) => [input.name, input]))
  const requests = [...page.querySelectorAll('form.request:not(#open-widget)')]
  const opening = document.getElementById('open-widget')
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))

  // Values.

  const gap = /\{(\w+)\}/g
  const known = (name) => inputs.get(name)?.value.trim() ?? ''
  const fill = (text, write = (value) => value) => text.replace(gap, (whole, name) => write(known(name)) || whole)
  const inJSON = (value) => JSON.stringify(value).slice(1, -1)
  const missing = (...texts) =>
    texts.flatMap((text) => [...text.matchAll(gap)].map(([, name]) => name)).filter((name) => inputs.has(name) && !known(name))

  function keep(name, value) {
    inputs.get(name).value = value
    draw()
  }

  // Requests.

  const lines = (text = '') => text.split('\n').map((line) => line.trim()).filter(Boolean)
  const pair = (line, separator) => {
    const at = line.indexOf(separator)
    return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + separator.length).trim()]
  }

  /** Returns the request of a form, before values are filled in. */
  function read(form) {
    const body = form.elements.body?.value.trim() ?? ''
    const json = /^[[{]/.test(body) ? body : ''
    return {
      method: form.dataset.method,
      address: form.elements.address.value.trim(),
      headers: lines(form.elements.headers?.value).map((line) => pair(line, ':')),
      fields: json ? [] : lines(body).map((line) => pair(line, '=')),
      json,
    }
  }

  const basic = 'Basic '
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

  async function call({ method, address, headers, fields, json }) {
    const sent = new Headers()
    for (const [name, value] of headers) {
      const filled = fill(value)
      const login = filled.startsWith(basic) && filled.includes(':')
      sent.set(name, login ? basic + base64(filled.slice(basic.length)) : filled)
    }
    let body
    if (json) {
      body = fill(json, inJSON)
      if (!sent.has('content-type')) sent.set('content-type', 'application/json')
    } else if (fields.length) body = new URLSearchParams(fields.map(([name, value]) => [fill(name), fill(value)]))
    const begun = performance.now()
    const response = await fetch(fill(address), { method, headers: sent, body, redirect: 'manual', cache: 'no-store', credentials: 'omit' })
    return { response, text: await response.text(), took: Math.round(performance.now() - begun) }
  }

  // The request with curl; unknown values are shell variables.

  function quoted(text, write) {
    const filled = fill(text, write)
    if (/^[\w./:=@%+,-]+$/.test(filled)) return filled
    if (!missing(text).length) return `'${filled.replaceAll("'", `'\\''`)}'`
    const escaped = (part) => fill(part, write).replace(/[\\"$`]/g, '\\$&')
    const parts = text.split(/(\{\w+\})/).map((part) => (missing(part).length ? '$' + part.slice(1, -1) : escaped(part)))
    return `"${parts.join('')}"`
  }

  function curl({ method, address, headers, fields, json }, shown) {
    const bodied = fields.length > 0 || json
    const parts = [`curl ${shown ? '-si' : '-s'}${method === 'GET' || (method === 'POST' && bodied) ? '' : ` -X ${method}`} ${quoted(address)}`]
    for (const [name, value] of headers)
      parts.push(value.startsWith(basic) ? `-u ${quoted(value.slice(basic.length))}` : `-H ${quoted(`${name}: ${value}`)}`)
    for (const [name, value] of fields) {
      const field = quoted(`${name}=${value}`)
      parts.push(/^['"]|[%+]/.test(field) ? `--data-urlencode ${field}` : `-d ${field}`)
    }
    if (json && !headers.some(([name]) => name.toLowerCase() === 'content-type')) parts.push("-H 'content-type: application/json'")
    if (json) parts.push(`-d ${quoted(json, inJSON)}`)
    return parts.join(' \\\n  ')
  }

  // Display.

  const code = (form) => form.querySelector(':scope > .code code')

  function draw() {
    for (const form of requests) code(form).textContent = curl(read(form), form.dataset.keeps.includes('location'))
    const address = widgetAddress()
    const link = opening.querySelector('a.button')
    code(opening).textContent = address || '$add_connection'
    if (address) link.removeAttribute('aria-disabled')
    else link.setAttribute('aria-disabled', 'true')
    link.href = address || '#open-widget'
  }

  /** Returns the value of a JSON text; undefined if the text is not JSON. */
  function parsed(text) {
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }

  const token = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/g

  /** Shows JSON with colours, and other texts unchanged. */
  function paint(element, text) {
    const value = JSON.stringify(parsed(text), null, 2)
    element.textContent = value ? '' : text
    if (!value) return
    let end = 0
    for (const { 0: whole, 1: string, 2: colon, index } of value.matchAll(token)) {
      element.append(value.slice(end, index))
      const span = document.createElement('span')
      span.className = colon ? 'key' : string ? 'string' : 'number'
      span.textContent = string ?? whole
      element.append(span, string ? (colon ?? '') : '')
      end = index + whole.length
    }
    element.append(value.slice(end))
  }

  /** The response headers to show. */
  const telling = ['location', 'content-type', 'www-authenticate', 'allow', 'retry-after', 'x-request-id']

  function show(form, { response, text, took }) {
    const answer = form.querySelector('.answer')
    answer.hidden = false
    const status = document.createElement('b')
    status.className = `status ${response.ok ? 'good' : 'bad'}`
    status.textContent = `${response.status} ${response.statusText}`.trim()
    const line = answer.querySelector('.line')
    line.replaceChildren(status, ` in ${took} ms`)
    const error = !response.ok && member(text, 'error')
    if (error) {
      const link = document.createElement('a')
      link.href = `/docs/errors#${form.elements.address.value.endsWith('/token') ? 'token-' : ''}${encodeURIComponent(error)}`
      link.textContent = `what ${error} means`
      line.append(' – ', link)
    }
    answer.querySelector('dl').replaceChildren(
      ...telling.filter((name) => response.headers.has(name)).map((name) => {
        const row = document.createElement('div')
        const [term, description] = ['dt', 'dd'].map((kind) => row.appendChild(document.createElement(kind)))
        term.textContent = name
        description.textContent = response.headers.get(name)
        return row
      }),
    )
    answer.querySelector('.code').hidden = !text
    paint(answer.querySelector('code'), text)
  }

  /** Returns a member of a JSON text by its path: "0.id". */
  const member = (text, path) => path.split('.').reduce((value, name) => value?.[name], parsed(text))

  /** Reports whether a JSON text is a list with an id. */
  const lists = (text, id) => [parsed(text)].flat().some((one) => one?.id === id)

  /** Keeps the values of a response, and returns a text about them. */
  function take(form, { response, text }) {
    const told = []
    for (const one of form.dataset.keeps.split(' ').filter(Boolean)) {
      const [name, from] = pair(one, '=')
      let value = from === 'location' ? response.headers.get('location')?.split('/').pop() : member(text, from.replace(/^body\./, ''))
      if (from === 'body.0.id' && lists(text, known(name))) value = known(name) // rather than the first, which is the oldest
      if (!value) continue
      keep(name, value)
      told.push(name + (String(value).length < 24 ? ` is ${value}` : ' is kept'))
    }
    return told.join(', ')
  }

  /** Marks a request as done, and its step after the last request. */
  function finish(form) {
    form.dataset.done = ''
    const step = form.dataset.step
    const all = [...document.querySelectorAll(`form[data-step="${step}"]`)]
    if (all.every((one) => 'done' in one.dataset)) document.querySelector(`a[data-step="${step}"]`).dataset.done = ''
  }

  const say = (form, text, bad = false) => {
    const status = form.querySelector('[role=status]')
    status.textContent = text
    status.className = bad ? 'bad' : ''
  }

  /** Reports whether all values are known. If not, it shows the missing ones. */
  function ready(form, ...texts) {
    const names = [...new Set(missing(...texts))]
    if (names.length) {
      say(form, `Missing: ${names.join(', ')}. Run the earlier steps, or enter it above.`, true)
      return false
    }
    return true
  }

  async function send(form) {
    if (form.dataset.busy) return
    const request = read(form)
    const texts = [request.address, request.json, ...[...request.headers, ...request.fields].flat()]
    if (!ready(form, ...texts)) return
    form.dataset.busy = 'true'
    say(form, 'Sending …')
    try {
      const answer = await call(request)
      show(form, answer)
      const kept = answer.response.ok ? take(form, answer) : ''
      say(form, `${answer.response.status} ${answer.response.statusText}${kept && `, ${kept}`}`, !answer.response.ok)
      if (answer.response.ok) finish(form)
    } catch (error) {
      say(form, `The request could not be sent (${error.message}). This page calls only its own platform, ${location.origin}.`, true)
    }
    delete form.dataset.busy
  }

  // The widget.

  const stage = opening.querySelector('.stage')
  const frame = stage.querySelector('iframe')
  const told = stage.querySelector('ol')
  const seen = new Set()
  let opened = 0 // how many times the widget was opened
  frame.hidden = true

  function widgetAddress() {
    const address = opening.elements.address.value.trim()
    if (missing(address).length) return ''
    const parameters = lines(opening.elements.parameters.value).map((line) => pair(line, '=').map((part) => encodeURIComponent(fill(part))).join('='))
    return [fill(address), ...parameters].join('&')
  }

  function tell(text, detail = '') {
    const row = document.createElement('li')
    const name = row.appendChild(document.createElement('code'))
    name.textContent = text
    row.append(' ' + detail)
    told.append(row)
    row.scrollIntoView?.({ block: 'nearest' })
  }

  /** Removes earlier messages and opens the widget in the frame. Without an address, it opens in another tab. */
  function begin(address = '') {
    opened++
    seen.clear()
    told.replaceChildren()
    say(opening, 'You are the user now.')
    stage.hidden = frame.hidden = !address
    frame.src = address || 'about:blank'
  }

  /** Reads the connection until it is no longer RUNNING, or the widget is opened again. */
  async function watch(id) {
    const mine = opened
    let last
    for (const end = Date.now() + 180_000; Date.now() < end; await wait(1000)) {
      const { response, text } = await call({
        method: 'GET', address: `${location.origin}/v2.1/connections/${id}`, headers: [['authorization', 'Bearer {user_token}']], fields: [], json: '',
      })
      if (mine !== opened) return
      const status = response.ok ? member(text, 'status') : `${response.status} ${member(text, 'error')}`
      if (status !== last) tell(status, `GET /v2.1/connections/${id}`)
      last = status
      if (status === 'RUNNING') continue
      say(opening, status === 'SUCCESS' ? `The connection ${id} is connected: SUCCESS` : `The connection ${id}: ${status}`, status !== 'SUCCESS')
      if (status === 'SUCCESS') finish(opening)
      return
    }
    say(opening, `The connection ${id} is still RUNNING after three minutes.`, true)
  }

  addEventListener('message', ({ origin, data }) => {
    const address = widgetAddress()
    if (!data?.eventName || !address || origin !== new URL(address, location.href).origin) return
    const text = JSON.stringify(data)
    if (seen.has(text)) return // a page that is loaded again repeats its message
    seen.add(text)
    stage.hidden = false
    const { eventName, status, result, connection_id } = data
    tell(eventName, [status, result, connection_id && `connection_id ${connection_id}`].filter(Boolean).join(', '))
    if (eventName !== 'redirect_to') return
    say(opening, `The widget has ended: ${status}, ${result}`, status !== 'success')
    if (!connection_id) return
    keep('connection_id', connection_id)
    watch(connection_id).catch((error) => say(opening, error.message, true))
  })

  opening.addEventListener('submit', (event) => {
    event.preventDefault()
    if (ready(opening, opening.elements.address.value)) begin(widgetAddress())
  })
  opening.querySelector('a.button').addEventListener('click', (event) => {
    if (ready(opening, opening.elements.address.value)) begin()
    else event.preventDefault()
  })

  // Start.

  const choices = [...page.querySelectorAll('[name=client]')]
  const choose = (choice) => {
    inputs.get('client_id').value = choice.value
    inputs.get('client_secret').value = choice.dataset.secret
    draw()
  }
  for (const choice of choices) choice.addEventListener('change', () => choose(choice))

  const platform = page.dataset.platform
  for (const form of requests) {
    const { address } = form.elements
    if (address.value.startsWith(platform + '/')) address.value = location.origin + address.value.slice(platform.length)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      send(form)
    })
  }
  page.addEventListener('input', draw)

  const random = (length) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => (byte % 36).toString(36)).join('')
  if (choices.length) {
    inputs.get('user_email').value = `jo-${random(8)}@example.test`
    inputs.get('user_password').value = random(16)
    choose(choices.find((choice) => choice.checked) ?? choices[0])
  }
  draw()
}
