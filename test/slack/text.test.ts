/** Names as people read them. */
import { expect, it } from 'vitest'
import { ownName } from '../../src/slack/text.js'

it('calls a thing by its own name, wherever its place stands in the label', () => {
  const labels = {
    'shop-api (Shop / production)': 'shop-api',
    'shop-web in production (woolworks)': 'shop-web',
    'Production / Frankfurt / shop': 'shop',
    'Production / Frankfurt / shop in two': 'shop',
    'shop-pr-12 in Shop / staging on flock-1 (coolify)': 'shop-pr-12',
    'shop-web in Shop / production': 'shop-web',
    'shop-api': 'shop-api',
  }
  for (const [label, name] of Object.entries(labels)) expect(ownName(label)).toBe(name)
})
