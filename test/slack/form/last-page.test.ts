/** The last page of every operation: its own sentences are whole, however long the names in them are. */
import { describe, expect, it } from 'vitest'
import { viewProblems } from '../../../sandbox/slack/checks.js'
import { cloudFoundry } from '../../../src/providers/cloud-foundry.js'
import { hoody } from '../../../src/providers/hoody.js'
import * as providers from '../../../src/providers/index.js'
import type { Named, Operation, Option, Provider } from '../../../src/providers/provider.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { lastPageView, shownNames } from '../../../src/slack/form/last-page.js'
import { brief, briefList, mrkdwn } from '../../../src/slack/text.js'
import { dummyConnection, dummyWorld } from '../../helpers/dummy-provider.js'

const operations = Object.values(providers).flatMap((provider) =>
  Object.entries(provider.operations).map(([id, operation]) => ({ id: `${provider.id} ${id}`, provider, operation })),
)

/** Answers to every question, with yes or no to each that can be answered so. */
function paramsOf(operation: Operation, isYes: boolean): Record<string, unknown> {
  const answer = ({ kind, choices }: ReturnType<typeof fieldsOf>[number]) => {
    if (kind === 'yes-no') return isYes
    if (kind === 'pickers') return isYes ? ['one/1', 'two/2'] : []
    if (kind === 'choice') return choices.at(isYes ? 0 : -1)?.value
    return kind === 'number' ? 1 : isYes ? 'terraform/x' : 'helm/x'
  }
  return Object.fromEntries(fieldsOf(operation).map((field) => [field.key, answer(field)]))
}

/** A name for each answer; of a list for several, a hundred. */
function answersOf(operation: Operation, nameOf: (key: string) => string) {
  const fields = fieldsOf(operation)
  const picked: Record<string, Option[]> = Object.fromEntries(
    fields
      .filter(({ kind }) => kind === 'pickers')
      .map(({ key }) => [key, Array.from({ length: 100 }, (_, at) => ({ value: `${at}`, label: nameOf(key) }))]),
  )
  const named: Named = Object.fromEntries(
    fields.map(({ key }) => [key, picked[key]?.map(({ label }) => label).join(', ') ?? nameOf(key)]),
  )
  return { named: { ...named }, picked, values: {}, refused: {}, channel: 'C1', mentionOnSuccess: false }
}

function textsOf(view: ReturnType<typeof lastPageView>): string[] {
  return view.blocks.flatMap((block) => ('text' in block && typeof block.text === 'object' ? [block.text.text] : []))
}

const longNames = [
  ['letters', 'shop'.repeat(2_500)],
  ['words', `${'two words '.repeat(1_000)}in production (woolworks)`],
  ['what Slack escapes', '<&>'.repeat(3_400)],
  ['emoji', '👩‍👩‍👧'.repeat(1_250)],
  ['whole sentences', 'Nothing is overwritten. '.repeat(400)],
] as const

describe('the last page', () => {
  it('is tried with operations of every provider', () => {
    expect(new Set(operations.map(({ provider }) => provider))).toEqual(new Set(Object.values(providers)))
  })

  for (const { id, provider, operation } of operations) {
    for (const isYes of [true, false]) {
      it.each(longNames)(
        `of ${id} with ${isYes ? 'everything' : 'nothing'} ticked is whole with names of 10 kB of %s`,
        (_, name) => {
          const params = paramsOf(operation, isYes)
          const target = { connection: { ...dummyConnection(dummyWorld()), provider }, operation, operationId: id }
          const checked = { isChecked: true, errors: {}, warnings: ['The name is taken.'] } as const
          const page = lastPageView(target, params, shownNames(answersOf(operation, () => name)), 'key', checked)
          expect(viewProblems(page)).toEqual([])
          const texts = textsOf(page).join('\n')

          // What is left of the sentences without the names in them, as they read with short ones.
          const short = answersOf(operation, () => '‡')
          const { copied, notCopied, warning = '' } = operation.preview(params, shownNames(short))
          const fixed = [copied, notCopied, warning, 'The name is taken.'].flatMap((text) =>
            text.split(/‡(?:, ‡)*(?: and \d+ more)?/),
          )
          for (const part of fixed) expect(texts).toContain(mrkdwn(part, 3_000))
          expect(fixed.join('').length).toBeGreaterThan(50)
          const { overwrites } = operation.preview(params, shownNames(short))
          const usual = /production/.test(name) ? `${operation.title.split(' ')[0]} into production` : operation.title
          expect(page.submit?.text).toBe(overwrites ? 'Overwrite' : usual)
        },
      )
    }
  }

  it('counts what there is no room to name', () => {
    const addons = Array.from({ length: 100 }, (_, at) => `addon-${at}`)
    expect(briefList(addons)).toMatch(/^addon-0, addon-1, .*addon-\d+ and \d+ more$/)
    expect(briefList(addons).length).toBeLessThan(300)
    expect(briefList(['one'])).toBe('one')
    expect(briefList([])).toBe('')
    expect(briefList(['x'.repeat(10_000), 'y'])).toMatch(/^x+…x+, y$/)
  })

  it('cuts the middle of a name, because its end often says where it is', () => {
    expect(brief(`${'x'.repeat(500)} in production (woolworks)`)).toMatch(/^x{53}…in production \(woolworks\)$/)
    expect(brief('short')).toBe('short')
    for (const name of ['👩‍👩‍👧'.repeat(50), '🐑'.repeat(100), 'e\u0301'.repeat(100)]) {
      expect(brief(name).length).toBeLessThanOrEqual(80)
      expect(brief(name)).not.toMatch(/\p{Surrogate}|…[\p{M}\u200d]/u)
    }
  })

  it('says that nobody could ask the provider, without a warning for that alone', () => {
    const target = { connection: dummyConnection(dummyWorld()), operationId: 'clone' }
    const { clone: operation } = target.connection.provider.operations
    if (!operation) throw new Error('The dummy lost its operation.')
    const checked = { isChecked: false, problem: 'dummy-one was too slow to check <this>.' } as const
    const page = lastPageView({ ...target, operation }, {}, { name: 'copy' }, 'key', checked)
    expect(viewProblems(page)).toEqual([])
    expect(page.submit?.text).toBe(operation.title)
    expect(page.blocks).toContainEqual({
      type: 'context',
      elements: [{ type: 'mrkdwn', verbatim: true, text: 'dummy-one was too slow to check &lt;this&gt;.' }],
    })
  })

  it('says "Ask for approval" where others must agree first, and still what is overwritten', () => {
    const page = pageOf(hoody, 'sync', { container: 'billing in production' }, { needsApproval: true, notes: ['Ann.'] })
    expect(page.submit?.text).toBe('Ask for approval')
    expect(textsOf(page).join('\n')).toContain('*⚠️ This overwrites billing in production*\nEverything changed')
  })

  it('has the verb and as much of the name on its button as Slack takes', () => {
    const button = (container: string) => pageOf(hoody, 'sync', { container }).submit?.text
    expect(button('till in test')).toBe('Overwrite till in test')
    expect(button('billing in production')).toBe('Overwrite billing')
    expect(button('a-very-long-name in production')).toBe('Overwrite')
  })

  it('warns where a clone goes to production, by the name of its place', () => {
    const named = { container: 'shop-prod in production', name: 'shop-prod-2' }
    const warned = (project: string) => {
      const { submit, blocks } = pageOf(hoody, 'copy', { ...named, project })
      return [submit?.text, /\*⚠️ This goes to production\*\\n([^"]*)/.exec(JSON.stringify(blocks))?.[1]]
    }
    expect(warned('woolworks-production')).toEqual(['Copy into production', 'shop-prod-2 in woolworks-production'])
    expect(warned('PROD_EU')[0]).toBe('Copy into production')
    for (const project of ['staging', 'products', 'preprod', 'pre-production', 'non-prod', 'reproduction'])
      expect(warned(project)).toEqual(['Copy a container', undefined])
  })

  it('says what is interrupted, without a warning for a default', () => {
    const target = 'till in staging'
    const texts = textsOf(pageOf(cloudFoundry, 'copy-bits', { app: 'shop in staging', target }, {}, true))
    expect(texts).toContain('*Downtime*\ntill in staging restarts, with a short interruption.')
    expect(texts.filter((text) => text.includes('⚠️'))).toEqual([
      '*⚠️ This overwrites till in staging*\nThe code of till in staging is overwritten.',
    ])
  })

  it('names source and target with their place, also where the header has no room for them', () => {
    const place = `in ${'shop-and-more-'.repeat(5)}staging`
    const texts = textsOf(pageOf(hoody, 'sync', { container: `till ${place}`, 'container.from': `till-0 ${place}` }))
    expect(texts).toContain(`*From*\ntill-0 ${place}`)
    expect(texts).toContain(`*To*\ntill ${place}`)
    expect(textsOf(pageOf(hoody, 'sync', { container: 'till in staging' })).join()).not.toContain('*From*')
  })
})

function pageOf(
  provider: Provider,
  id: string,
  named: Named,
  about: Parameters<typeof lastPageView>[5] = {},
  restart = false,
) {
  const operation = provider.operations[id]
  if (!operation) throw new Error(`There is no operation ${id}.`)
  const target = { connection: { name: 'hoody-prod', provider }, operation }
  const page = lastPageView(target, { restart }, named, 'key', { isChecked: true, warnings: [] }, about)
  expect(viewProblems(page)).toEqual([])
  return page
}
