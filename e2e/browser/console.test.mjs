// The operator's console: a client from its creation to the history of its user's connection.
import assert from 'node:assert/strict'
import { Client, desktop, phone, platform, secret, story, testBank, unique } from './story.mjs'

const operatorOn = (page) => ({
  open: (path = '') => page.goto(platform + '/console' + path),
  title: async (text) => page.getByRole('heading', { level: 1, name: text }).waitFor(),
  press: (name) => page.getByRole('button', { name, exact: true }).click(),
  follow: (name) => page.getByRole('link', { name, exact: true }).click(),
  section: (heading) => page.locator('section', { has: page.getByRole('heading', { level: 2, name: heading }) }),
  /** Only names may break across lines in tables, however long they are. */
  async tablesHold() {
    await page.waitForLoadState() // with its style sheet
    const usual = page.viewportSize()
    for (const width of [1280, 1025, 1024, 720, 320]) {
      await page.setViewportSize({ ...usual, width })
      const faults = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement
        const faults = scrollWidth > clientWidth ? [`${scrollWidth} pixels wide`] : []
        if (innerWidth <= 1024) return faults // rows are cards
        const range = document.createRange()
        for (const cell of document.querySelectorAll('th, td:not(.text)')) {
          const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
          while (texts.nextNode())
            for (const { index, 0: word } of texts.currentNode.data.matchAll(/[^\s-]+/g)) {
              range.setStart(texts.currentNode, index)
              range.setEnd(texts.currentNode, index + word.length)
              if (range.getClientRects().length > 1) faults.push(`${word} is broken`)
            }
        }
        return faults
      })
      assert.deepEqual(faults, [], `${page.url()} at ${width} pixels`)
    }
    await page.setViewportSize(usual)
  },
  secret: async () => secret('client secret', await page.locator('.secret').innerText()),
  async login(password = 'sandbox') {
    await page.getByLabel("The operator's password").fill(password)
    await this.press('Log in')
  },
})

for (const [viewport, colorScheme] of [[phone, 'light'], [phone, 'dark'], [desktop, 'light']])
  story(`the operator at ${viewport.width} pixels, ${colorScheme}`, { viewport, colorScheme }, async ({ page, site }) => {
    const operator = operatorOn(page)
    await operator.open('/clients')
    await page.getByLabel("The operator's password").fill('shown')
    await operator.press('Show the password')
    await page.locator('#password[type=text]').waitFor()
    await operator.press('Show the password')
    await page.locator('#password[type=password]').waitFor()
    await operator.login(unique('wrong'))
    await page.getByRole('alert').waitFor()
    await operator.login()
    await operator.title('Bank health')

    // A client is created; an error is shown beside its field.
    const name = unique('Budget Malin')
    await operator.follow('Clients')
    await page.getByLabel('Name, as users see it').fill(name)
    await page.getByLabel('Redirect URIs').fill('nowhere')
    await page.getByLabel('Has its own PSD2 agreement').check()
    await operator.press('Create')
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Redirect URIs').fill(`https://integrator.example/\n${site.origin}/back`)
    await operator.press('Create')
    await operator.title(name)
    const first = await operator.secret()
    await page.reload()
    await page.getByText('Nothing was created').waitFor()
    const client = new Client(await page.locator('main code').first().innerText())

    // Its secret is replaced; both secrets are valid.
    await operator.press('Replace the secret')
    await page.getByText('takes the older of the two away').waitFor()
    const second = await operator.secret()
    assert.notEqual(first, second)
    for (const client_secret of [first, second]) {
      client.credentials.client_secret = client_secret
      await client.token({ grant_type: 'client_credentials', scope: 'users_create' })
    }
    await page.reload()
    await page.getByText('Nothing was rotated').waitFor()
    await client.token({ grant_type: 'client_credentials', scope: 'users_create' })

    // Its colours reach the widget.
    await page.getByLabel('Buttons and links').fill('rebecca purple')
    await operator.press('Save')
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Buttons and links').fill('#663399')
    await operator.press('Save')
    await page.getByText('Saved.').waitFor()
    assert.equal(await page.getByLabel('Buttons and links').inputValue(), '#663399')
    assert.equal(await page.locator('.secret').count(), 0, 'the secret is not shown again')
    const user = await client.user()
    const { links } = await user.session()
    const style = await (await fetch(links.add_connection)).text()
    assert.match(style, /663399/)

    // Its user has connected a bank. Both have long names.
    const connection = await user.connect()
    const long = unique('x'.repeat(160))
    await user.api('PATCH', '/connections/' + connection.id, { name: long })
    await page.getByLabel('Name, as users see it').fill(long)
    await operator.press('Save')
    await operator.title(long)
    await operator.follow('Clients')
    await operator.title('Clients')
    await operator.tablesHold()
    await operator.follow(long)
    await page.getByLabel('E-mail').fill(user.login.email)
    await operator.press('Find')
    await operator.follow(user.id)
    await operator.title(`User ${user.id}`)
    await operator.tablesHold()
    await operator.follow(String(connection.id))
    await operator.title(`connection ${connection.id}`)
    await operator.tablesHold()
    const happened = operator.section('History')
    for (const what of ['CONNECTION_CREATED', 'LIST_ACCOUNTS', 'SYNC_ALL_SUCCESS'])
      await happened.getByText(what, { exact: true }).first().waitFor()
    const chart = page.getByRole('img').first()
    assert.match(await page.locator('figcaption').first().innerText(), /^-?\d+\.\d\d EUR on .* highest/)
    const { width, height } = await chart.boundingBox()
    assert.ok(width > 250 && height > 80, `the chart is ${width} by ${height}`)

    // The bank's synchronisation is counted. After the logout the console is closed.
    await operator.follow('Banks')
    await page.getByRole('cell', { name: `${testBank.name} ${testBank.id}` }).waitFor()
    await operator.tablesHold()
    await operator.press('Log out')
    await operator.title('Log in')
    await operator.open()
    await operator.title('Log in')
  })
