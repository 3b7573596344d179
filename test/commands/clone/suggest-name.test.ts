import { describe, expect, it } from 'vitest'
import { suggestName } from '../../../src/commands/clone/suggest-name.js'
import * as listed from '../../../src/providers/index.js'
import type { Operation } from '../../../src/providers/provider.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { fieldOf } from '../../helpers/field.js'

const none: ReadonlySet<string> = new Set()
const any = fieldOf('name', { kind: 'text' })

describe('a suggested name', () => {
  it('has the source, the person and the next number that is free', () => {
    const source = 'Shop Web (Shop / production)'
    expect(suggestName(any, { source, person: 'Ann Äpfel', taken: none })).toBe('shop-web-ann-apfel-1')
    const taken = new Set(['SHOP-WEB-ann-1', 'shop-web-ann-2'])
    expect(suggestName(any, { source, person: 'ann', taken })).toBe('shop-web-ann-3')
    expect(suggestName(any, { source: '商店', person: '', taken: none })).toBe('clone-1')
  })

  it('is cut at the source, and never at the number', () => {
    const field = fieldOf('name', { kind: 'text', accepts: (value) => String(value).length <= 20 })
    const name = suggestName(field, { source: 'a-very-long-name-of-an-app', person: 'ann', taken: none })
    expect(name).toMatch(/^a-very-long-n.*-ann-1$/)
    expect(name?.length).toBeLessThanOrEqual(20)
    expect(
      suggestName(fieldOf('name', { accepts: () => false }), { source: 'a', person: '', taken: none }),
    ).toBeUndefined()
  })

  it('fits each provider that asks for a name', () => {
    const operations = Object.values(listed).flatMap(({ operations }) => Object.values(operations) as Operation[])
    const fields = operations.flatMap(fieldsOf).filter(({ suggestFrom }) => suggestFrom !== undefined)
    expect(fields.length).toBeGreaterThanOrEqual(8)
    for (const field of fields) {
      const source = 'The Shop’s Web Front End (Shop / production)'
      expect(suggestName(field, { source, person: 'ann', taken: none })).toMatch(/^the-shop-.*ann-1$/)
    }
  })
})
