// A look at every page that anybody sees in a story. Start reading at Inspector.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { browser, patience, platform, secret } from './lib.mjs'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** What was looked at before, by any file of stories: it need not be looked at again. */
const looks = process.env.OXLIN_NOTES && path.join(process.env.OXLIN_NOTES, 'looks')
const known = () => (looks && existsSync(looks) ? readFileSync(looks, 'utf8').trim().split('\n') : [])

/** Runs in a document that has axe, and gives what is wrong with it. */
async function faultsHere(standards) {
  const runOnly = { type: 'tag', values: standards }
  const { violations } = await axe.run(document, { runOnly, resultTypes: ['violations'], iframes: false })
  const faults = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
  )
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) faults.push(`it is ${scrollWidth - clientWidth} pixels too wide`)
  return faults
}

/** A page without what differs each time. */
const essence = (html) => html.replace(/[\w-]{20,}/g, '~').replace(/\d+/g, '#')

/** Runs in every document before its own scripts: it looks at the page and reports. */
function examine(loadAxe, faultsHere, essence, standards, known) {
  if (!location.protocol.startsWith('http')) return
  globalThis.oxlinLook = async () => {
    const page = essence(document.documentElement.outerHTML)
    const dark = matchMedia('(prefers-color-scheme: dark)').matches
    const key = [innerWidth, innerHeight, dark, location.pathname, page].join()
    const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
    const digest = btoa(String.fromCharCode(...bytes))
    if (known.includes(digest)) return { digest, faults: [] }
    if (!globalThis.axe) loadAxe()
    return { digest, faults: await faultsHere(standards) }
  }
  oxlinArrived()
  let seen = false
  const see = () => {
    if (seen) return
    seen = true
    oxlinLook().then(oxlinLooked, (error) => oxlinLooked({ faults: [String(error)] }))
  }
  addEventListener('load', see)
  // While it waits to be left, a page is never told that it has loaded. As long as its
  // style is on its way the browser paints nothing, and nobody has seen it.
  const painted = () => [...document.querySelectorAll('link[rel=stylesheet]')].every((link) => link.sheet)
  addEventListener('beforeunload', () => {
    if (!painted() && !seen) oxlinLooked({ faults: [] })
    else if (document.readyState !== 'loading') see()
    else document.addEventListener('readystatechange', see)
  })
}

/**
 * Copies shows documents of a browser without JavaScript once more, to look at them: as
 * such a page can be left at any time and has no script that could hold it, the look is at
 * the same bytes under the same headers, address, size and colours, in a second context.
 * It runs no script either, so what is parsed, styled and shown is what the user has.
 */
class Copies {
  #next

  constructor(options) {
    this.options = options
  }

  async #open() {
    this.context = await (await browser()).newContext(this.options)
    // Nothing leads away from here: to an answer without content, a browser stays.
    await this.context.route('**/*', (route) => {
      if (!route.request().isNavigationRequest()) return route.continue()
      const document = this.#next ?? { status: 204 }
      this.#next = undefined
      return route.fulfill(document)
    })
    return this.context.newPage()
  }

  /** Looks at a document, unless it is known. */
  async look({ address, viewport, ...document }) {
    const key = ['without script', ...Object.values(viewport), this.options.colorScheme, new URL(address).pathname, essence(document.body)]
    const digest = createHash('sha256').update(key.join()).digest('base64')
    if (known().includes(digest)) return { digest, faults: [] }
    this.page ??= await this.#open()
    this.#next = document
    await this.page.setViewportSize(viewport)
    await this.page.goto(address)
    await this.page.evaluate(preparePlain)
    await this.page.evaluate(axeSource + ';0')
    const faults = await this.page.evaluate(faultsHere, standards)
    await this.page.goto('about:blank') // what would go on by itself later
    return { digest, faults: faults.filter((fault) => !refreshing.test(fault)) }
  }

  close = () => this.context?.close()
}

// Without a script, what waits for a bank asks again every 2 seconds, an approval in an app every
// 3, and the last page leads back after 3 seconds, as the contract has it. Each has a link that
// does the same, or nothing to type.
const refreshing = /^meta-refresh: .*\n<meta http-equiv="refresh" content="(2|3(;url=[^"]*)?)">/

/**
 * Makes a document without JavaScript fit for axe, which can be evaluated there. Timers
 * do not run; those of axe that wait for nothing need not. And axe passes over noscript,
 * as if a script ran, so what is in it gets a wrapping that is shown the same.
 */
function preparePlain() {
  globalThis.setTimeout = (work, delay) => void (delay || Promise.resolve().then(work))
  for (const noscript of document.body.querySelectorAll('noscript')) {
    const span = document.createElement('span')
    span.append(...noscript.childNodes)
    noscript.replaceWith(span)
  }
}

/**
 * Inspector looks at every document of a browser context, in frames and popups, too:
 * WCAG by axe-core, no scrolling sideways, no error of a script or of the policy, no
 * broken answer, and no request to a stranger. A document cannot be left before it
 * has been looked at: its next navigation is held up until then. (The look is a script
 * of the page, because Chromium evaluates nothing for us while a navigation waits.)
 * Without JavaScript it is copied before it is there, and the copy is looked at, at the
 * size of the page if it is in a frame, too.
 */
export class Inspector {
  faults = []
  #looks = new Map()
  #ready = []
  #shown = new Set()
  #taken = new Set()
  #copied = Promise.resolve()

  /** The options are those that the context was made with. */
  constructor(context, { options, origins }) {
    Object.assign(this, { context, origins, copies: new Copies(options), script: options.javaScriptEnabled })
  }

  async start() {
    if (this.script) await this.#watch()
    else this.#copy()
    this.context.on('page', (page) => {
      page.on('pageerror', (error) => this.faults.push(`${where(page)}: script: ${error.stack}`))
    })
    this.context.on('console', (message) => {
      if (message.type() === 'error' && !harmless.test(message.text()))
        this.faults.push(`${where(message.page())}: console: ${message.text()}`)
    })
    this.context.on('request', (request) => {
      const url = new URL(request.url())
      if (url.protocol.startsWith('http') && !this.origins.includes(url.origin))
        this.faults.push(`a request to a stranger: ${request.url()}`)
      if (url.origin === platform && url.pathname.endsWith('/oauth2/aisp'))
        for (const name of ['code', 'state'])
          if (url.searchParams.get(name)) secret(`the bank's ${name}`, url.searchParams.get(name))
    })
    this.context.on('response', (response) => {
      if (response.status() >= 500 && response.url().startsWith(platform))
        this.faults.push(`${response.status()} from ${withoutQuery(response.url())}`)
    })
  }

  async #watch() {
    await this.context.exposeBinding('oxlinArrived', ({ frame }) => {
      const look = {}
      look.done = new Promise((done) => (look.finish = done))
      this.#looks.set(frame, look)
    })
    await this.context.exposeBinding('oxlinLooked', ({ frame }, found) => {
      this.#note(frame.url(), found)
      this.#looks.get(frame)?.finish()
    })
    // The source is in a function, so that documents that are known pay little for it.
    const given = [`function () { ${axeSource} }`, faultsHere, essence, JSON.stringify(standards), JSON.stringify(known())]
    await this.context.addInitScript(`(${examine})(${given})`)
    await this.context.route(/^(?!.*\.(css|js|png)(\?|$))/, async (route) => {
      const request = route.request()
      const frame = request.isNavigationRequest() && frameOf(request)
      if (frame) await this.#looked(frame)
      await route.continue()
    })
  }

  /** Copies every document on its way to the browser, before it is there and can be left. */
  #copy() {
    this.context.on('page', (page) => this.#ready.push(this.#copyFrom(page).catch(() => {})))
    this.context.on('response', (response) => {
      if (isDocument(response.request().isNavigationRequest(), response.status(), response.headers()['content-type']))
        this.#shown.add(response.url())
    })
  }

  /** Waits until the documents of every page that was opened will be looked at. */
  ready = () => Promise.all(this.#ready)

  async #copyFrom(page) {
    const session = await this.context.newCDPSession(page)
    session.on('Fetch.requestPaused', async ({ requestId, request, responseStatusCode: status, responseHeaders = [] }) => {
      const headers = Object.fromEntries(responseHeaders.map(({ name, value }) => [name.toLowerCase(), value]))
      try {
        if (!isDocument(true, status, headers['content-type'])) return
        const { body, base64Encoded } = await session.send('Fetch.getResponseBody', { requestId })
        for (const name of ['content-encoding', 'content-length', 'set-cookie']) delete headers[name]
        const text = base64Encoded ? Buffer.from(body, 'base64').toString() : body
        const document = { address: request.url, viewport: page.viewportSize(), status, headers, body: text }
        this.#taken.add(request.url)
        this.#copied = this.#copied.then(() => this.#lookAt(document))
      } catch {
        // The page is gone; if it was shown after all, the verdict says so.
      } finally {
        await session.send('Fetch.continueRequest', { requestId }).catch(() => {})
      }
    })
    await session.send('Fetch.enable', { patterns: [{ resourceType: 'Document', requestStage: 'Response' }] })
  }

  async #lookAt(document) {
    try {
      this.#note(document.address, await this.copies.look(document))
    } catch (error) {
      this.faults.push(`${withoutQuery(document.address)}: it was not looked at: ${error}`)
    }
  }

  #note(address, { digest, faults }) {
    if (looks && digest && !faults.length) appendFileSync(looks, digest + '\n')
    this.faults.push(...faults.map((fault) => `${withoutQuery(address)}: ${fault}`))
  }

  async #looked(frame) {
    const look = this.#looks.get(frame)
    if (!look) return
    const enough = new AbortController()
    const late = delay(patience, true, { signal: enough.signal }).catch(() => {})
    if (await Promise.race([look.done, late])) this.faults.push(`${where(frame)}: it was not looked at`)
    enough.abort()
  }

  /** Looks at a page again, as a script has changed it. */
  look = async (page) => this.#note(page.url(), await page.evaluate(() => oxlinLook()))

  /** Fails where something was found. */
  async verdict() {
    const here = [...this.#looks.keys()].filter((frame) => !frame.isDetached() && !frame.page().isClosed())
    await Promise.all(here.map((frame) => this.#looked(frame)))
    await this.#copied
    for (const address of this.#shown)
      if (!this.#taken.has(address)) this.faults.push(`${withoutQuery(address)}: it was not looked at`)
    assert.equal(this.faults.length, 0, '\n' + [...new Set(this.faults)].join('\n'))
  }
}

// What could not be loaded is told by its status below; and that a page in a foreign
// frame may not take the focus is the browser's decision. It also looks for an icon by
// itself, at times under the policy of the page that comes next.
const harmless = /^(Failed to load resource|Blocked autofocusing|Loading the image '[^']*\/favicon\.ico')/

const isDocument = (navigation, status, type) => navigation && !(status >= 300 && status < 400) && type?.startsWith('text/html')

function frameOf(request) {
  try {
    return request.frame()
  } catch {
    return undefined // a page that does not exist yet has nothing to look at
  }
}

const withoutQuery = (url) => url.replace(/\?.*/, '')
export const where = (page) => (page ? withoutQuery(page.url()) : 'a page')
