// fetch over a connection with a client's certificate, which the fetch of node cannot show.
import https from 'node:https'

export function fetchWith({ ca, cert, key }) {
  return (address, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const request = https.request(address, { method, headers, ca, cert, key, signal, agent: false }, (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: answer.headers })))
        answer.on('error', reject)
      })
      request.on('error', reject)
      request.end(body?.toString())
    })
}

// mtls is the setting of the test.
const { MTLS_ISSUER, CA, CERT, CERT_KEY, OTHER_CERT, OTHER_KEY, CERTIFIED_ID } = process.env
export const mtls = {
  issuer: new URL(MTLS_ISSUER),
  client: CERTIFIED_ID,
  own: fetchWith({ ca: CA, cert: CERT, key: CERT_KEY }),
  others: fetchWith({ ca: CA, cert: OTHER_CERT, key: OTHER_KEY }),
}
