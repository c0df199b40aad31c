// How a story is told: story gives it a stage. Stories import from here alone.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Inspector, where } from './inspector.mjs'
import { arrived, bank, bankAddress, browser, Client, patience, phone, platform, Site, widget } from './lib.mjs'

export * from './lib.mjs'

// Far more than any story needs, on a busy machine too: what takes longer hangs.
const limit = 200_000

after(async () => (await browser()).close())

/** Stage is where a story plays: a user, their browser, and the integrator's site. */
class Stage {
  static async open({ client = 'sandbox-licensed', scope, script = true, viewport = phone, ...look }) {
    const stage = new Stage()
    stage.site = await Site.open()
    stage.client = new Client(client)
    stage.user = await stage.client.user(scope)
    const options = { locale: 'fr-FR', reducedMotion: 'reduce', javaScriptEnabled: script, viewport, ...look }
    stage.context = await (await browser()).newContext(options)
    stage.context.setDefaultTimeout(patience)
    stage.inspector = new Inspector(stage.context, { options, origins: [platform, bankAddress, stage.site.origin] })
    await stage.inspector.start()
    stage.page = await stage.context.newPage()
    await stage.inspector.ready()
    return stage
  }

  get widget() {
    return widget(this.page)
  }

  get bank() {
    return bank(this.page)
  }

  /** Where the widget sends the user in the end. The query is the integrator's own. */
  get target() {
    return this.site.origin + '/back?mine=1'
  }

  /** The address of a widget page. Without a session there is the story's only one. */
  link = async (entry, parameters = {}, session) => {
    session ??= this.session ??= await this.user.session()
    const query = new URLSearchParams({ redirect_uri: this.target, ...parameters })
    return `${session.links[entry] ?? assert.fail(`no link to ${entry}`)}&${query}`
  }

  /** Opens a widget page, with a target unless the parameters have another. */
  open = async (entry, parameters, session) => this.page.goto(await this.link(entry, parameters, session))

  /** Waits until the user is back at the integrator, and gives what it is told. */
  back = async (page = this.page) => {
    await arrived(page, (url) => url.origin === this.site.origin)
    const told = Object.fromEntries(new URL(page.url()).searchParams)
    assert.equal(told.mine, '1', "the integrator's own query is kept")
    assert.ok(this.site.visits.some((visit) => visit.href === page.url()))
    return told
  }

  /** What the pages say, and what the platform logged of this user, for whoever reads of a failure. */
  async explain(name) {
    for (const page of this.context.pages()) {
      const text = await page.locator('body').innerText({ timeout: 1000 }).catch(String)
      console.log(`On ${where(page)}:\n${text.slice(0, 1500)}`)
      if (process.env.OXLIN_FAILURES) {
        mkdirSync(process.env.OXLIN_FAILURES, { recursive: true })
        const file = name.replace(/[^\w]+/g, '-').slice(0, 80) + '-' + this.context.pages().indexOf(page) + '.png'
        await page.screenshot({ path: path.join(process.env.OXLIN_FAILURES, file) }).catch(() => {})
      }
    }
    if (!process.env.OXLIN_LOG) return
    const log = readFileSync(process.env.OXLIN_LOG, 'utf8').split('\n')
    const own = log.filter((line) => line.includes(` user=${this.user.id} `) || / level=(WARN|ERROR) /.test(line))
    console.log(`The platform's log:\n${own.slice(-40).join('\n')}`)
  }

  async close() {
    await this.context.unrouteAll({ behavior: 'ignoreErrors' })
    await Promise.all([this.context.close(), this.inspector.copies.close()])
    await this.site.close()
  }
}

/**
 * Tells one story in a browser of its own. Options are a client, a scope, script
 * (false is a browser without JavaScript), and what Playwright's newContext takes.
 */
export function story(name, options, tell = options) {
  // The runner's own limit leaves no time to explain; it is for what cannot be explained.
  test(name, { timeout: limit + 2 * patience }, async () => {
    const stage = await Stage.open(tell === options ? {} : options)
    const told = new AbortController()
    const late = delay(limit, undefined, { signal: told.signal }).then(() => assert.fail(`it took longer than ${limit / 1000} s`))
    late.catch(() => {}) // that all was told before
    try {
      await Promise.race([late, tell(stage).then(() => stage.inspector.verdict())])
    } catch (error) {
      await stage.explain(name)
      throw error
    } finally {
      told.abort()
      await stage.close()
    }
  })
}
