import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { type Block, Message } from 'slack-blocks-to-jsx'
import { describe, expect, it } from 'vitest'
import { forLibrary } from '../../../sandbox/web/blocks/escape.js'

/** The text a person reads, with bold and links marked. */
function shown(text: object): string {
  const blocks = [{ type: 'section', block_id: 'b', text }].map(forLibrary) as Block[]
  const hooks = {
    link: ({ href }: { href: string }) => `[link ${href}]`,
    emoji: ({ name }: { name: string }) => `(${name})`,
  }
  const users = [{ id: 'U1', name: 'ada' }]
  const html = renderToStaticMarkup(
    createElement(Message, {
      blocks,
      hooks,
      data: { users },
      withoutWrapper: true,
      theme: 'light',
      logo: '',
      name: '',
    }),
  )
  return html
    .replaceAll(/<(\/?)strong[^>]*>/g, '{$1b}')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('\u00a0', ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

const mrkdwn = (text: string) => shown({ type: 'mrkdwn', text })
const plain = (text: string, emoji?: boolean) =>
  shown({ type: 'plain_text', text, ...(emoji === undefined ? {} : { emoji }) })

describe('mrkdwn through the library', () => {
  it.each([
    ['*bold* and plain', '{b}bold{/b} and plain'],
    ['hi <@U1> :sheep:', 'hi @ada (sheep)'],
    [
      'see <https://x.test/a_b|there> or https://x.test/c_d',
      'see [link https://x.test/a_b] or [link https://x.test/c_d]',
    ],
  ])('formats %j', (text, expected) => expect(mrkdwn(text)).toBe(expected))

  it.each([
    ['3 &lt; 4 &amp;&amp; a &gt; b', '3 < 4 && a > b'],
    ['&lt;@U1&gt; is no mention', '<@U1> is no mention'],
    ['&amp;lt; stays', '&lt; stays'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['a*b*c and my_app_name', 'a*b*c and my_app_name'],
    ['# no heading\n--- no rule', '# no heading\n--- no rule'],
    ['[no](link) | no | table', '[no](link) | no | table'],
    ['C:\\temp', 'C:\\temp'],
  ])('leaves %j alone', (text, expected) => expect(mrkdwn(text)).toBe(expected))

  it('shows code as it is', () => expect(mrkdwn('`a &lt; b &amp;&amp; *c*`')).toBe('a < b && ∗c∗'))
})

describe('plain text through the library', () => {
  it('formats nothing', () =>
    expect(plain('*a* _b_ <@U1> https://x.test `c`')).toBe('*a* _b_ <@U1> https://x.test `c`'))
  it('draws emoji', () => expect(plain('Clone :sheep:')).toBe('Clone (sheep)'))
  it('draws no emoji where the app says emoji: false', () =>
    expect(plain('Clone :sheep:', false)).toBe('Clone :sheep:'))
})

it('removes block ids, which would become ids in the page', () => {
  expect(forLibrary({ type: 'divider', block_id: 'b' })).toEqual({ type: 'divider' })
})
