// A look at every page that anybody sees in a story. Start reading at Inspector.
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { patience, platform, secret } from './lib.mjs'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** What was looked at before, by any file of stories: it need not be looked at again. */
const looks = process.env.OXLIN_NOTES && path.join(process.env.OXLIN_NOTES, 'looks')
const known = () => (looks && existsSync(looks) ? readFileSync(looks, 'utf8').trim().split('\n') : [])

/** Runs in every document before its own scripts: it looks at the page and reports. */
function examine(loadAxe, standards, known) {
  if (!location.protocol.startsWith('http')) return
  globalThis.oxlinLook = async () => {
    const root = document.documentElement
    const page = root.outerHTML.replace(/[\w-]{20,}/g, '~').replace(/\d+/g, '#')
    const dark = matchMedia('(prefers-color-scheme: dark)').matches
    const key = [innerWidth, innerHeight, dark, location.pathname, page].join()
    const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
    const digest = btoa(String.fromCharCode(...bytes))
    if (known.includes(digest)) return { digest, faults: [] }
    if (!globalThis.axe) loadAxe()
    const runOnly = { type: 'tag', values: standards }
    const { violations } = await axe.run(document, { runOnly, resultTypes: ['violations'], iframes: false })
    const faults = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
    )
    const overflow = root.scrollWidth - root.clientWidth
    if (overflow > 0) faults.push(`it is ${overflow} pixels too wide`)
    return { digest, faults }
  }
  oxlinArrived()
  addEventListener('load', () => oxlinLook().then(oxlinLooked, (error) => oxlinLooked({ faults: [String(error)] })))
}

/**
 * Inspector looks at every document of a browser context, in frames and popups, too:
 * WCAG by axe-core, no scrolling sideways, no error of a script or of the policy, no
 * broken answer, and no request to a stranger. A document cannot be left before it
 * has been looked at: its next navigation is held up until then. (The look is a script
 * of the page, because Chromium evaluates nothing for us while a navigation waits.)
 */
export class Inspector {
  faults = []
  #looks = new Map()

  constructor(context, { script, origins }) {
    Object.assign(this, { context, script, origins })
  }

  async start() {
    if (this.script) await this.#watch()
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
      this.#note(frame, found)
      this.#looks.get(frame)?.finish()
    })
    // The source is in a function, so that documents that are known pay little for it.
    const examined = `(${examine})(function () { ${axeSource} }, ${JSON.stringify(standards)}, ${JSON.stringify(known())})`
    await this.context.addInitScript(examined)
    await this.context.route(/^(?!.*\.(css|js|png)(\?|$))/, async (route) => {
      const request = route.request()
      const frame = request.isNavigationRequest() && frameOf(request)
      if (frame) await this.#looked(frame)
      await route.continue()
    })
  }

  #note(frame, { digest, faults }) {
    if (looks && digest && !faults.length) appendFileSync(looks, digest + '\n')
    this.faults.push(...faults.map((fault) => `${where(frame)}: ${fault}`))
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
  look = async (page) => this.#note(page.mainFrame(), await page.evaluate(() => oxlinLook()))

  /** Fails where something was found. */
  async verdict() {
    const here = [...this.#looks.keys()].filter((frame) => !frame.isDetached() && !frame.page().isClosed())
    await Promise.all(here.map((frame) => this.#looked(frame)))
    assert.equal(this.faults.length, 0, '\n' + [...new Set(this.faults)].join('\n'))
  }
}

// What could not be loaded is told by its status below; and that a page in a foreign
// frame may not take the focus is the browser's decision. It also looks for an icon by
// itself, at times under the policy of the page that comes next.
const harmless = /^(Failed to load resource|Blocked autofocusing|Loading the image '[^']*\/favicon\.ico')/

function frameOf(request) {
  try {
    return request.frame()
  } catch {
    return undefined // a page that does not exist yet has nothing to look at
  }
}

const withoutQuery = (url) => url.replace(/\?.*/, '')
export const where = (page) => (page ? withoutQuery(page.url()) : 'a page')
