import { describe, expect, it } from 'vitest'
import { mentionedJobs, mentionedOption, wordsOf } from '../../../src/commands/shortcuts/mentions.js'

describe('jobs in a message', () => {
  it.each([
    ['`k7f3q` failed', ['k7f3q']],
    ['Job abcde is done', ['abcde']],
    ['job: `abcde`', ['abcde']],
    ['see K7F3Q and m2n3p, please', ['k7f3q', 'm2n3p']],
    ['these words mean no thing', []],
    ['longer1 or k7f3qx', []],
    ['', []],
  ])('%j names %j', (text, ids) => {
    expect(mentionedJobs(text)).toEqual(ids)
  })

  it('looks at no more than ten, whatever the message holds', () => {
    const text = Array.from({ length: 500 }, (_, at) => `k7f${String.fromCharCode(97 + (at % 8))}${(at % 8) + 2}`).join(
      ' ',
    )
    expect(mentionedJobs(text.repeat(100)).length).toBeLessThanOrEqual(10)
  })
})

describe('an app in a message', () => {
  const options = [
    { value: '3c90c3cc-0d44-4b50', label: 'shop-api in staging (woolworks)' },
    { value: '7d11aa22-0d44-4b50', label: 'shop-web in staging (woolworks)' },
    { value: '8e22bb33-0d44-4b50', label: 'shop-web in production (woolworks)' },
    { value: '9f33cc44-0d44-4b50', label: 'Billing desk' },
    { value: 'db', label: 'db' },
  ]
  const valueIn = (text: string) => mentionedOption(wordsOf(text), options)?.value ?? null

  it.each([
    ['its own name', 'shop-api is down again!', '3c90c3cc-0d44-4b50'],
    ['its own name in formatting', 'look at *shop-api*, _please_', '3c90c3cc-0d44-4b50'],
    ['a name with a blank', 'the Billing  Desk is slow', '9f33cc44-0d44-4b50'],
    ['its whole label', 'shop-web in production (woolworks) is down', '8e22bb33-0d44-4b50'],
    ['its id in a link', '<https://console.example/apps/7d11aa22-0d44-4b50?tab=1|console>', '7d11aa22-0d44-4b50'],
    ['the host of a link', '<https://shop-api.apps.example.com/health>', '3c90c3cc-0d44-4b50'],
  ])('is known by %s', (_, text, value) => {
    expect(valueIn(text)).toBe(value)
  })

  it('that several are called is left to the person', () => {
    expect(valueIn('clone shop-web for me')).toBe('shop-web')
  })

  it.each([
    'nothing here',
    'db',
    'shop-apis',
    'myshop-api',
    '<@U1|shop-api>',
    '',
    '<#C1|shop-api> <!subteam^S1|shop-api>',
  ])('is not in %j', (text) => {
    expect(valueIn(text)).toBeNull()
  })

  it('is found in a long message and a long list within a second', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ value: `id-${at}-${at}`, label: `app-${at} in space` }))
    const began = performance.now()
    expect(mentionedOption(wordsOf(`${'word '.repeat(700)}app-9999`), many)?.value).toBe('id-9999-9999')
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})
