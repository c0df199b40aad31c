// The people and things that stories are about: an integrator's software and web site,
// a browser, and the pages of the widget and of the test bank as a user handles them.
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chromium } from 'playwright-core'

export const need = (name) => process.env[name] ?? assert.fail(`${name} is not set: go test ./e2e/browser sets it`)

/** The address of the platform, and of its test bank. */
export const platform = need('OXLIN_PLATFORM')
export const bankAddress = need('OXLIN_BANK')

/** The providers of the sandbox, and their channel definitions. */
export const testBank = { id: '87', name: 'Linxo Test Bank', redirect: '8701', embedded: '8700' }
export const demoBank = { id: '182', name: 'Demo Bank', embedded: '17650' }

export const phone = { width: 360, height: 740 }
export const narrow = { width: 320, height: 568 }
export const framed = { width: 408, height: 600 }
export const desktop = { width: 1280, height: 800 }

export const patience = 40_000
const scopes = 'openid profile profile_edit accounts_manage connections_manage connections_sync transactions_read'

/** Notes what must not be in the platform's log; the Go test looks for it at the end. */
export function secret(kind, value) {
  const notes = process.env.OXLIN_NOTES
  if (notes) appendFileSync(path.join(notes, 'secrets'), JSON.stringify({ kind, value }) + '\n')
  return value
}

/** Letters and digits that are found nowhere else. */
export const unique = (prefix) => prefix + '-' + crypto.randomUUID().replaceAll('-', '')

/** Asks until there is a true answer, and gives it. */
export async function until(what, ask) {
  for (const end = Date.now() + patience; Date.now() < end; await delay(50)) {
    const answer = await ask()
    if (answer) return answer
  }
  assert.fail(`waited too long until ${what}`)
}

/**
 * Waits until a page has loaded an address: a text, or a question about its URL. A
 * navigation that another one cuts short, as a second click does, ends Playwright's
 * own waitForURL; here the user only waits on.
 */
export async function arrived(page, at) {
  const there = typeof at === 'string' ? (url) => url.href === new URL(at).href : at
  await until(`the page is at ${at}`, () => there(new URL(page.url())))
  await page.waitForLoadState()
}

async function call(method, address, { headers, form, json } = {}) {
  const body = form ? new URLSearchParams(form) : json && JSON.stringify(json)
  const response = await fetch(address, { method, headers, body, redirect: 'manual' })
  const text = await response.text()
  assert.ok(response.ok, `${method} ${new URL(address).pathname}: ${response.status} ${text}`)
  return { location: response.headers.get('location'), body: text && JSON.parse(text) }
}

/** The software of an integrator: its secrets, and its calls to the API. */
export class Client {
  constructor(id) {
    this.credentials = { client_id: id, client_secret: secret('client secret', `${id}-secret`) }
  }

  async token(grant) {
    const { body } = await call('POST', platform + '/token', { form: { ...this.credentials, ...grant } })
    for (const kind of ['access_token', 'refresh_token', 'id_token']) if (body[kind]) secret(kind, body[kind])
    return body
  }

  /** Makes a user, with a token. */
  async user(scope = scopes) {
    const own = await this.token({ grant_type: 'client_credentials', scope: 'users_create' })
    const email = unique('jo') + '@example.test'
    const password = secret("user's password", unique('password'))
    const headers = { authorization: 'Bearer ' + own.access_token }
    const { location } = await call('POST', platform + '/v2.1/users', { headers, json: { email, password } })
    const tokens = await this.token({ grant_type: 'password', username: email, password, provider: 'connect', scope })
    return new User(this, location.split('/').pop(), { email, password }, tokens)
  }
}

/** A user of an integrator, as its software sees them. */
export class User {
  constructor(client, id, login, tokens) {
    Object.assign(this, { client, id, login, tokens })
  }

  api(method, resource, json) {
    const headers = { authorization: 'Bearer ' + this.tokens.access_token, 'content-type': 'application/json' }
    return call(method, platform + '/v2.1' + resource, { headers, json })
  }

  get = async (resource) => (await this.api('GET', resource)).body
  connections = () => this.get('/connections')
  accounts = () => this.get('/accounts?limit=100')

  /** The types of all events of a queue. */
  events = async (queue) => (await this.get(`/queues/${queue}?after=0`)).map((event) => event.event_type)

  /** Waits until nothing is fetched any more, and gives the connection. */
  settled = (id) =>
    until(`connection ${id} has settled`, async () => {
      const connection = await this.get('/connections/' + id)
      return connection.status !== 'RUNNING' && connection
    })

  /** Connects the test bank by REDIRECT, the software's way, and gives the settled connection. */
  async connect(login = 'dev') {
    const widget_params = { ...this.client.credentials, access_token: this.tokens.access_token }
    const resource = `/providers/${testBank.id}/channel_definitions/${testBank.redirect}/authorize_url`
    const { location } = await this.api('POST', resource, { redirect_uri: 'https://integrator.example/', widget_params })
    const [, session] = /name="session" value="([^"]+)"/.exec(await (await fetch(location)).text())
    const post = async (path, form) => {
      const body = new URLSearchParams({ session, ...form })
      return (await fetch(bankAddress + path, { method: 'POST', body, redirect: 'manual' })).headers.get('location')
    }
    const callback = await post('/authorize', { login, password: 'dev' })
    const back = (await fetch(callback, { redirect: 'manual' })).headers.get('location')
    return this.settled(new URL(back).searchParams.get('connection_id'))
  }

  /** Makes a widget session. Parameters may be those of a page; path is one of the three. */
  async session(parameters = {}, { path = '/widget_session', refreshed = true } = {}) {
    const { access_token, refresh_token } = this.tokens
    const form = { ...this.client.credentials, access_token, ...(refreshed && { refresh_token }), ...parameters }
    const { body } = await call('POST', platform + path, { form })
    secret('widget session', body.session_id)
    return { id: body.session_id, links: body._links }
  }

  /** Ends the token, and with it every session that cannot renew it. */
  revoke = () =>
    call('POST', platform + '/revoke', { form: { ...this.client.credentials, token: this.tokens.access_token } })
}

/** A page of the widget: a Page, a Frame or a FrameLocator. Nothing here depends on the language. */
export const widget = (where) => ({
  button: (action) => where.locator(`button[name=action][value=${action}]`),
  press: (action) => where.locator(`button[name=action][value=${action}]`).click(),
  goOn: () => where.locator('button[type=submit][data-e2e=submit-button]').click(),
  field: (id) => where.locator(`[id="${id}"]`),
  bank: (name) => where.locator('span.bank__name').getByText(name, { exact: true }),
  async choose(bank) {
    await this.bank(bank.name).click()
  },
  channel: (id) => where.locator(`button[name=channel_definition_id][value="${id}"]`).click(),
  async accept() {
    await where.locator('#terms').check()
    await this.press('accept_terms')
  },
  /** Types credentials and sends them. */
  async login(values) {
    for (const [id, value] of Object.entries(values)) await this.field(id).fill(value)
    await this.goOn()
  },
  /** Answers a challenge: types, and presses its button. */
  async answer(ok, values = {}) {
    for (const [id, value] of Object.entries(values)) await this.field(id).fill(value)
    await where.locator(`button[type=submit][name="${ok}"][value=true]`).click()
  },
  /** Waits until it is told what is wrong with a field: beside it, and where the focus is. */
  async toldBeside(id) {
    await where.locator(`[role=alert]:focus a[href="#${id}"]`).waitFor()
    await where.locator(`[id="${id}"][aria-invalid=true][aria-describedby="${id}-problem"]`).waitFor()
    await where.locator(`[id="${id}-problem"]`).waitFor()
  },
  question: (not = '') => where.locator('input[name=question]' + not),
  /** Goes through the test bank's SMS, typing these codes. */
  async sms(...codes) {
    await this.answer('304')
    for (let i = 0; i < codes.length; i++) {
      const question = await this.question().inputValue()
      await this.answer('307', { 306: codes[i] })
      if (i + 1 < codes.length) await this.question(`:not([value="${question}"])`).waitFor({ state: 'attached' })
    }
  },
})

/** The user dev at the site of the test bank, in the widget. */
export const dev = { 300: 'dev', 301: 'dev' }
export const code = '123456'

/** The test bank's own login pages. */
export const bank = (page) => ({
  async login({ login = 'dev', password = 'dev', file = '' } = {}) {
    await page.locator('#login').fill(login)
    await page.locator('#password').fill(password)
    await page.locator('#file_url').fill(file)
    await page.locator('#btn-login').click()
  },
  async confirm(sms = code) {
    await page.locator('#code').fill(sms)
    await page.locator('#btn-confirm').click()
  },
  /** Refuses on the page of the SMS, which the scenario sms shows. */
  refuse: () => page.locator('#btn-refuse').click(),
  /** Refuses on the page of the login. */
  cancel: () => page.locator('#link-cancel').click(),
  /** Logs in, which gives the consent. */
  agree: (login) => bank(page).login({ login }),
  /** Switches a scenario on or off, for one login. */
  scenario: (login, scenario, parameters = {}) =>
    call('POST', bankAddress + '/control/scenario', { json: { login, scenario, ...parameters } }),
  heal: (login) => call('DELETE', `${bankAddress}/control/scenario?login=${encodeURIComponent(login)}`),
})

const html = (content) => ({
  type: 'text/html',
  text: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Integrator</title>${content}`,
})

/** The integrator's own web site, on another host than the platform. It notes who comes. */
export class Site {
  visits = []
  #pages = new Map()

  static async open() {
    const site = new Site()
    site.server = http.createServer((request, response) => {
      const url = new URL(request.url, site.origin)
      if (url.pathname !== '/favicon.ico') site.visits.push(url)
      const { type, text } = site.#pages.get(url.pathname) ?? html('<main><h1>Back at the integrator</h1></main>')
      response.setHeader('content-type', type + '; charset=utf-8')
      response.end(text)
    })
    await new Promise((ready) => site.server.listen(0, '127.0.0.1', ready))
    site.origin = `http://localhost:${site.server.address().port}`
    return site
  }

  /** Puts a page on the site, and gives its address. */
  page(path, content) {
    this.#pages.set(path, html(content))
    return this.origin + path
  }

  /** Puts a text on the site, and gives its address. */
  text(path, text) {
    this.#pages.set(path, { type: 'text/plain', text })
    return this.origin + path
  }

  close() {
    this.server.closeAllConnections()
    return new Promise((closed) => this.server.close(closed))
  }
}

// Chromium's window prepares pages for its address bar, which nobody sees here and which
// cost a third of the time. The list replaces Playwright's, so the others are Playwright's.
const withoutFeatures = [
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'AutoDeElevate',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'BoundaryEventDispatchTracksNodeRemoval',
  'DestroyProfileOnBrowserClose',
  'DialMediaRouteProvider',
  'GlobalMediaControls',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'OptimizationHints',
  'PaintHolding',
  'RenderDocument',
  'ThirdPartyStoragePartitioning',
  'Translate',
]

let launched
/** The browser of this process. Whoever uses it closes it. */
export const browser = () =>
  (launched ??= chromium.launch({
    executablePath: process.env.OXLIN_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-features=' + withoutFeatures.join(),
    ],
  }))
