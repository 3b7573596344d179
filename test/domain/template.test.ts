/** Names with words to fill in. */
import { describe, expect, it } from 'vitest'
import { expandTemplate, isTemplate, slug } from '../../src/domain/template.js'

const words = { source: 'Shop API', user: 'Ann Müller', date: '20261130' }
const anything = { accepts: () => true, isTaken: () => false }

describe('a template', () => {
  it('is a text with one of the four words in braces', () => {
    expect(['{source}-{n}', 'x{date}', '{user}'].map(isTemplate)).toEqual([true, true, true])
    expect(['shop', '{name}', '{ n }', '{}', 'n'].map(isTemplate)).toEqual([false, false, false, false, false])
  })

  it('is filled in with words that every provider takes', () => {
    expect(expandTemplate('{source}-{user}-{date}-{n}', words, anything)).toBe('shop-api-ann-muller-20261130-1')
    expect(expandTemplate('{source}-{user}', { source: '店', user: '…', date: '' }, anything)).toBe('clone-someone')
  })

  it('gets the first number that is free', () => {
    const taken = ['shop-api-1', 'shop-api-2']
    const isTaken = (name: string) => taken.includes(name)
    expect(expandTemplate('{source}-{n}', words, { ...anything, isTaken })).toBe('shop-api-3')
    expect(expandTemplate('{source}-{n}', words, { ...anything, isTaken: () => true })).toBeUndefined()
    expect(expandTemplate('{source}', words, { ...anything, isTaken: () => true }), 'without a number').toBe('shop-api')
  })

  it('loses the end of a long source before the field refuses it', () => {
    const accepts = (name: string) => name.length <= 16
    const source = 'a-very-long-name-of-an-app'
    expect(expandTemplate('{source}-{n}', { ...words, source }, { ...anything, accepts })).toBe('a-very-long-na-1')
    expect(expandTemplate('{source}-x-{n}', { ...words, source }, { ...anything, accepts })).toBe('a-very-long-x-1')
    expect(expandTemplate('{source}-{n}', words, { ...anything, accepts: () => false })).toBeUndefined()
  })

  it('is as long as the field and an address allow, also where numbers grow', () => {
    const filled = (maxLength: number, used: number) => {
      const isTaken = (name: string) => Number(name.split('-').at(-1)) <= used
      const accepts = (name: string) => name.length <= maxLength
      return expandTemplate(
        '{source}-{user}-{n}',
        { ...words, user: 'ann', source: 'x'.repeat(200) },
        { accepts, isTaken },
      )
    }
    expect(filled(34, 0)).toBe(`${'x'.repeat(28)}-ann-1`)
    expect(filled(34, 9)).toBe(`${'x'.repeat(27)}-ann-10`)
    expect(filled(255, 0)).toHaveLength(63)
    expect(filled(5, 0)).toBeUndefined()
  })

  it('fills in each word once: what a name says is no template', () => {
    expect(expandTemplate('{source}', { ...words, source: '{user}' }, anything)).toBe('user')
  })
})

it('a text without placeholders stays as it is', () => {
  expect(expandTemplate('shop', words, { accepts: () => false, isTaken: () => true })).toBe('shop')
})

it('a name that providers accept has no spaces, accents or doubled hyphens', () => {
  expect(slug('  Crème -- Brûlée (Prod) ')).toBe('creme-brulee-prod')
})
