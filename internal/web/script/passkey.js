// Passkeys: a form with data-passkey asks the browser for one, and is sent with its answer. Its
// button is hidden on the plain page, in frames, and on a host for which no passkey was made.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')

const credentials = ({ ids }) => (ids || '').split(' ').filter(Boolean).map((id) => ({ type: 'public-key', id: bytes(id) }))

async function get(asked) {
  const { rawId, response } = await navigator.credentials.get({
    publicKey: { challenge: bytes(asked.challenge), rpId: asked.rp, allowCredentials: credentials(asked), userVerification: asked.verification },
  })
  return { id: text(rawId), client_data: text(response.clientDataJSON), authenticator_data: text(response.authenticatorData), signature: text(response.signature) }
}

async function create(asked) {
  const { rawId, response } = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(asked.challenge),
      rp: { id: asked.rp, name: asked.site },
      user: { id: bytes(asked.user), name: asked.name, displayName: asked.name },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: credentials(asked),
      authenticatorSelection: { userVerification: asked.verification, residentKey: asked.resident },
      attestation: 'none',
    },
  })
  return {
    id: text(rawId), client_data: text(response.clientDataJSON), authenticator_data: text(response.getAuthenticatorData()), public_key: text(response.getPublicKey()),
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const asked = form.dataset
  if (!window.PublicKeyCredential || window.top !== window.self || location.hostname !== asked.rp) continue
  const button = form.querySelector('button[name=use]')
  const problem = form.querySelector('[data-problem]')
  button.hidden = false
  for (const part of form.querySelectorAll('[data-scripted]')) part.hidden = false
  for (const part of form.querySelectorAll('[data-plain]')) part.hidden = true
  button.addEventListener('click', async () => {
    problem.hidden = true
    try {
      form.elements.passkey.value = JSON.stringify(await (asked.passkey === 'create' ? create : get)(asked))
      form.submit()
    } catch {
      problem.hidden = false
    }
  })
}
