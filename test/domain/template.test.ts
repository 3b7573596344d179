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
    expect(expandTemplate('{source}-{n}', { ...words, source }, { ...anything, accepts })).toBe('a-very-long-1')
    expect(expandTemplate('{source}-{n}', words, { ...anything, accepts: () => false })).toBeUndefined()
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
