/** Why no answer came: the error codes of Node and its TLS, in words for the operator. */
import { rootCause } from '../errors.js'

const CAUSES: readonly [RegExp, string][] = [
  [/^ECONNREFUSED$/, 'nothing accepts connections there. Check the address and its port.'],
  [/^ENOTFOUND$/, "there's no such host name. Check the address, and the DNS of this machine."],
  [/^EAI_AGAIN$/, "the DNS of this machine doesn't answer."],
  [
    /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/,
    'there is no way there from this machine. Check its network, and firewalls on the way.',
  ],
  [
    /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    'the connection was closed before an answer came. Check proxies and firewalls on the way.',
  ],
  [/^CERT_HAS_EXPIRED$/, 'the certificate there has expired. Renew it, or set the clock of this machine right.'],
  [/^CERT_NOT_YET_VALID$/, "the certificate there isn't valid yet. Set the clock of this machine right."],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'the certificate there is for another host name. Check the address.'],
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|^CERT_/,
    'an unknown authority signed the certificate there. If it is yours, set NODE_EXTRA_CA_CERTS to the file with its certificate.',
  ],
  [/^(ERR_SSL_.*|EPROTO)$/, 'no TLS is spoken there. Check the address and its port.'],
]

/**
 * Why a request got no answer, as a sentence: `ECONNREFUSED: nothing accepts connections there. …`
 *
 * @param error with the system's error, or that of fetch, as its cause.
 * @returns undefined when the cause has no code.
 */
export function explainCause(error: unknown): string | undefined {
  const code = codeIn(error) ?? codeIn(rootCause(error)) ?? codeIn(rootCause(rootCause(error)))
  if (code === undefined) return undefined
  const words = CAUSES.find(([pattern]) => pattern.test(code))?.[1]
  return words === undefined ? `The cause is ${code}.` : `${code}: ${words}`
}

/** Slack's client has codes of its own, in lower case. */
function codeIn(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : undefined
}
