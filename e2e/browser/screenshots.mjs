// Walks through the flows and keeps a picture of every page, in both languages, light
// and dark, on a phone, in a frame and on a desktop, and an index to look through them.
//
//   make screenshots        (or: node e2e/browser/screenshots.mjs DIRECTORY, after make build)
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const directory = path.resolve(process.argv[2] ?? 'screenshots')
mkdirSync(directory, { recursive: true })

/** Runs a sandbox, and says where it is. */
async function sandbox(data) {
  const binary = fileURLToPath(new URL('../../bin/oxlin', import.meta.url))
  const flags = ['--sandbox', '--testbank-control', '--listen', '127.0.0.1:0', '--testbank-listen', '127.0.0.1:0', '--data', data]
  const program = spawn(binary, ['serve', ...flags], { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of createInterface(program.stdout)) {
    const [, label, address] = /^(.*?) +(http.*)$/.exec(line)
    if (label === 'platform') process.env.OXLIN_PLATFORM = address
    if (label === 'test bank') process.env.OXLIN_BANK = address
    if (process.env.OXLIN_PLATFORM && process.env.OXLIN_BANK) break
  }
  return program
}

const data = mkdtempSync(path.join(tmpdir(), 'oxlin-screenshots-'))
const program = await sandbox(data)
const { bank, bankAddress, browser, Client, code, demoBank, desktop, dev, framed, phone, platform, Site, testBank, widget } =
  await import('./lib.mjs')

const sizes = { phone, framed, desktop }
const taken = []

/** Keeps pictures of a page, as it is. */
async function picture(page, language, name) {
  await page.locator('h1').first().waitFor()
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      const file = `${name}.${size}.${colorScheme}.${language}.png`
      // A frame shows no more than its size; the others are shown to their end.
      await page.screenshot({ path: path.join(directory, file), fullPage: size !== 'framed', animations: 'disabled' })
      taken.push(file)
    }
  }
}

/** Walks through everything in one language. */
async function walk(language) {
  const site = await Site.open()
  const context = await (await browser()).newContext({ locale: { fr: 'fr-FR', en: 'en-GB' }[language], reducedMotion: 'reduce' })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const take = (name, other = page) => picture(other, language, name)
  const go = widget(page)
  const alert = () => page.getByRole('alert').waitFor()

  async function open(user, entry, parameters = {}, session) {
    session ??= await user.session()
    const link = `${session.links[entry]}&${new URLSearchParams(parameters)}`
    await page.goto(link)
    return link
  }
  const licensed = await new Client('sandbox-licensed').user()
  const newcomer = await new Client('sandbox').user()
  const redirect = { provider_id: testBank.id, channel_definition_id: testBank.redirect }
  const embedded = { provider_id: testBank.id, channel_definition_id: testBank.embedded }

  await open(newcomer, 'add_connection')
  await take('01-terms')
  await go.press('accept_terms')
  await alert()
  await take('01-terms-not-ticked')
  await page.goto(`${platform}/terms.html?lng=${language}`)
  await take('01-terms-in-full')

  await open(licensed, 'add_connection')
  await take('02-banks')
  await page.locator('#bank-search-input').fill('linxo tset')
  await page.keyboard.press('Enter')
  await go.bank(demoBank.name).waitFor({ state: 'detached' })
  await take('02-banks-found')
  await page.locator('#bank-search-input').fill('zzzzzz')
  await page.keyboard.press('Enter')
  await go.bank(testBank.name).waitFor({ state: 'detached' })
  await take('02-banks-none')
  await open(licensed, 'add_connection', { provider_id: testBank.id, select_channel: true })
  await take('03-channels')

  await open(licensed, 'add_connection', { provider_id: testBank.id })
  await take('04-notice')
  await go.press('authorize')
  await bank(page).cancel()
  await alert()
  await take('04-notice-refused')

  await open(licensed, 'add_connection', { provider_id: '119', channel_definition_id: 'embedded1' })
  await take('05-login')
  await go.login({ 3500: 'short' })
  await alert()
  await take('05-login-missing')
  await open(licensed, 'add_connection', embedded)
  await go.login({ ...dev, 301: 'wrong' })
  await alert()
  await take('05-login-wrong')
  await go.login({ ...dev, 300: 'dev+questions' })
  await go.field('313').waitFor()
  await take('06-challenge-questions')
  await open(licensed, 'add_connection', embedded)
  await go.login(dev)
  await page.locator('button[name="304"][value=true]').waitFor()
  await take('06-challenge-sms')
  await go.answer('304')
  await go.field('306').waitFor()
  await take('06-challenge-code')
  await go.answer('307', { 306: '999999' })
  await alert()
  await take('06-challenge-wrong')
  await go.answer('307', { 306: code })
  await go.button('consent').waitFor()
  await go.press('consent')
  await page.waitForURL(/\/success/)
  await take('10-done')

  await open(licensed, 'add_connection', { ...redirect, select_accounts: true })
  await go.press('authorize')
  await bank(page).agree('dev+slow-4000')
  await page.locator('#progress-text').waitFor()
  await take('07-loading')
  await page.locator('#account-0').waitFor({ timeout: 40_000 })
  await take('08-accounts')
  for (let i = 0; i < 3; i++) await page.locator(`#account-${i}`).uncheck()
  await go.goOn()
  await alert()
  await take('08-accounts-none')

  await open(licensed, 'add_connection', { provider_id: testBank.id, multiple_channels: true })
  await go.press('authorize')
  await bank(page).agree('dev')
  await go.button('consent').waitFor()
  await take('08-consent')
  await go.press('consent')
  await go.button('add_channel').waitFor()
  await take('09-offer')

  await open(licensed, 'add_connection', embedded)
  await go.login({ ...dev, 300: 'dev+locked' })
  await go.button('leave').waitFor()
  await take('11-failed')
  await open(licensed, 'add_connection', redirect)
  await go.press('cancel')
  await page.waitForURL(/\/success/)
  await take('12-cancelled')
  await open(licensed, 'add_connection', { provider_id: '999999' })
  await take('12-invalid-bank')
  const visitor = await new Client('sandbox-licensed').user()
  const short = await visitor.session({}, { refreshed: false })
  await visitor.revoke()
  await open(visitor, 'add_connection', {}, short)
  await take('12-expired')
  await page.goto(`${platform}/widget/add_connection?session_id=${'A'.repeat(32)}`)
  await take('12-unusable')

  const known = await new Client('sandbox-licensed').user()
  const { id: connection_id } = await known.connect()
  await open(known, 'edit_credentials', { connection_id })
  await take('13-edit-channels')
  await go.channel(testBank.redirect)
  await go.button('authorize').waitFor()
  await take('13-edit-notice')
  await open(known, 'manage_accounts', { connection_id })
  await take('14-manage-accounts')
  const business = await new Client('sandbox-licensed').user()
  await business.connect('dev+professional')
  await open(business, 'professional_account')
  await take('15-professional')

  const theme = { font: 'Georgia', font_color: '#402020', elements_color: '#804020', hide_logo: true }
  await open(licensed, 'add_connection', { ...redirect, ...theme })
  await take('16-theme')

  // In a frame, with the bank in a tab of its own.
  const session = await licensed.session()
  const link = `${session.links.add_connection}&${new URLSearchParams({ provider_id: testBank.id })}`
  const frame = `<main><h1>Integrator</h1><iframe title="bank" width="408" height="600" style="max-width:100%" src="${link.replaceAll('&', '&amp;')}"></iframe></main>`
  await page.setViewportSize(desktop)
  await page.goto(site.page('/', frame))
  const inside = page.frameLocator('iframe')
  await widget(inside).button('authorize').waitFor()
  await take('17-frame')
  const opened = context.waitForEvent('page')
  await widget(inside).press('authorize')
  const tab = await opened
  await bank(tab).agree('dev')
  await tab.waitForURL(platform + '/**')
  await take('17-back-from-bank', tab)
  await tab.close()

  await page.goto(`${bankAddress}/authorize?${new URLSearchParams({ create: true, redirect_uri: site.origin, state: 'a' })}`)
  await take('18-bank')
  await bank(page).login({ login: 'dev+sms' })
  await page.locator('#code').waitFor()
  await take('18-bank-code')

  await context.close()
  await site.close()
}

/** Writes a page that shows all pictures. */
function index() {
  const names = [...new Set(taken.map((file) => file.split('.')[0]))].sort()
  const row = (name) =>
    `<h2>${name}</h2><p>${taken.filter((file) => file.startsWith(name + '.')).map((file) => `<a href="${file}"><img loading="lazy" src="${file}" alt="${file}"></a>`).join('')}</p>`
  const style = 'body{font:1rem system-ui;background:#888}img{height:26rem;margin:.3rem;vertical-align:top}'
  writeFileSync(path.join(directory, 'index.html'), `<!doctype html><meta charset="utf-8"><title>Every page of the widget</title><style>${style}</style>${names.map(row).join('')}`)
}

try {
  await Promise.all(['fr', 'en'].map(walk))
  index()
  console.log(`${taken.length} pictures; look at ${path.join(directory, 'index.html')}`)
} finally {
  await (await browser()).close()
  program.kill()
  await once(program, 'exit')
  rmSync(data, { recursive: true, force: true })
}
