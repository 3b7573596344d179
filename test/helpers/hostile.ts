/** Hostile texts from a small seeded generator: mentions, formatting, control characters, half surrogates. */

const pieces = [
  '<!channel>',
  '<!here|all>',
  '<@U123>',
  '<#C1|general>',
  '<https://evil.example|the console>',
  '<!date^0^{date}|now>',
  '&lt;!channel&gt;',
  'https://evil.example/?a=1&b=2',
  '@channel',
  '`',
  '```',
  '*bold*',
  '*',
  '_',
  '__init__',
  '_slanted_',
  'shop_api_v2',
  '~struck~',
  '~',
  '>',
  '>>> quote',
  '\u202e',
  '\u200f',
  '\u2066isolated',
  '\u2069',
  '\u200b',
  '\u2060',
  '\ufeff',
  '\u00ad',
  '\u200d',
  '\u0000',
  '\u001b[31m',
  '\u0085',
  '\n',
  '\r\n> quote',
  '\u2028',
  '\ud83d',
  '\udc11',
  '\ud83d\udc11',
  '👩‍👩‍👧',
  ':x:',
  ':white_check_mark:',
  ':100:',
  ':',
  '12:30:45',
  '{',
  '"',
  '\\',
  ' ',
  'shop',
  'é',
  'ß',
] as const

export interface Hostile {
  /** The next text: empty, short, or 10 kB long. */
  text(): string
  /** The next address: of the web or not, parsable or not, too long or not. */
  address(): string
}

/** The same seed makes the same texts (mulberry32). */
export function hostile(seed: number): Hostile {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (max: number) => Math.floor(random() * max)
  const some = (count: number) => Array.from({ length: count }, () => pieces[below(pieces.length)] ?? '').join('')
  const text = () => {
    const length = below(8)
    if (length === 7) return some(30).repeat(100).slice(0, 10_000)
    // Most texts are a few pieces side by side, because formatting depends on the neighbours.
    return some(length)
  }
  const addresses = [
    () => `https://live.example/${text()}`,
    () => `http://127.0.0.1:8080/${some(1)}`,
    () => `https://live.example/${'x'.repeat(3_000)}`,
    () => 'https://ewe:wool@live.example',
    () => 'javascript:alert(1)',
    () => 'slack://open?team=T1',
    () => `//${text()}`,
    text,
  ]
  return { text, address: () => addresses[below(addresses.length)]?.() ?? '' }
}
