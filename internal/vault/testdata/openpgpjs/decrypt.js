// Opens messages as an integrator's program does: reads {privateKey, messages} as JSON,
// writes the texts as a JSON array.
import { text } from 'node:stream/consumers'
import * as openpgp from 'openpgp'

const input = JSON.parse(await text(process.stdin))
const decryptionKeys = await openpgp.readPrivateKey({ armoredKey: input.privateKey })
const texts = []
for (const armoredMessage of input.messages) {
  const message = await openpgp.readMessage({ armoredMessage })
  const { data } = await openpgp.decrypt({ message, decryptionKeys, format: 'binary' })
  texts.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(data))
}
process.stdout.write(JSON.stringify(texts))
