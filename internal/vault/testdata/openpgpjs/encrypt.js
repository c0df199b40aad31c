// Encrypts as an integrator's program does: reads {publicKey, text, date, binary,
// signed, hidden} as JSON, writes the armored message.
import { text } from 'node:stream/consumers'
import * as openpgp from 'openpgp'

const input = JSON.parse(await text(process.stdin))
const date = new Date(input.date)

async function signer () {
  const { privateKey } = await openpgp.generateKey({ userIDs: [{ name: 'A client' }], date, format: 'object' })
  return privateKey
}

const message = await openpgp.encrypt({
  message: await openpgp.createMessage(
    input.binary ? { binary: new TextEncoder().encode(input.text), date } : { text: input.text, date }),
  encryptionKeys: await openpgp.readKey({ armoredKey: input.publicKey }),
  signingKeys: input.signed ? await signer() : undefined,
  wildcard: input.hidden,
  date
})
process.stdout.write(message)
