/** Checks of what a provider declares, before anything is asked of its API. */
import { expect } from 'vitest'
import { sourceOf } from '../../../src/commands/authorize.js'
import type { Operation, Option, Provider } from '../../../src/providers/provider.js'
import { setPicked } from '../../../src/slack/form/answers.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { lastPageView } from '../../../src/slack/form/last-page.js'
import { assertDrawable } from '../../../src/slack/form/view.js'
import type { Check, Subject } from './checks.js'
import type { ProviderExample } from './example.js'
import { MINUTE, removalStepsOf, stepsOf } from './world.js'

const WEEK_MS = 7 * 24 * 60 * MINUTE
/** A write that was lost may still arrive for about as long as a request may take. */
const MIN_ABSENT_AFTER_MS = 10_000

export function declarationChecks(provider: Provider, example: ProviderExample): Check[] {
  const operations = Object.entries(provider.operations)
  return [
    {
      title: 'has an example for every operation',
      run() {
        expect(Object.keys(example.operations).sort()).toEqual(operations.map(([name]) => name).sort())
      },
    },
    {
      title: 'can be drawn as forms within all limits of Slack',
      run() {
        expect(() => assertDrawable(provider)).not.toThrow()
      },
    },
    {
      title: 'has a title and a hint for every field, and a picker behind every name',
      run() {
        for (const [name, operation] of operations) {
          expect(operation.title.length, `${name}: the title has at most 24 characters`).toBeLessThanOrEqual(24)
          const fields = fieldsOf(operation)
          const keys = fields.map(({ key }) => key)
          expect(keys.length, `${name} has fields`).toBeGreaterThan(0)
          for (const { key, title, description, picker, dependsOn } of fields) {
            expect(title, `title of ${name}.${key}`).toMatch(/\S/)
            expect(description, `description of ${name}.${key}`).toMatch(/\S/)
            if (picker !== undefined)
              expect(Object.keys(provider.pickers), `picker of ${name}.${key}`).toContain(picker)
            expect(keys, `dependsOn of ${name}.${key}`).toEqual(expect.arrayContaining([...dependsOn]))
          }
        }
      },
    },
    {
      title: 'has a field for every picker',
      run() {
        const used = operations.flatMap(([, operation]) => fieldsOf(operation).flatMap(({ picker }) => picker ?? []))
        expect(Object.keys(provider.pickers).sort(), 'a picker that no field names').toEqual([...new Set(used)].sort())
      },
    },
    {
      title: 'gives every step an id of its own, words for its progress, and sensible times',
      run() {
        for (const [name, operation] of operations) {
          const steps = stepsOf(operation)
          const ids = steps.map(({ id }) => id)
          expect(new Set(ids).size, `${name}: ids of steps`).toBe(ids.length)
          for (const { id, title, doing } of steps) {
            expect(title, `${name}, step ${id}: title`).toMatch(/^[A-Z]/)
            expect(doing, `${name}, step ${id}: doing is the title in its -ing form`).toMatch(/^[A-Z][a-z]+ing\b/)
            expect(doing.length, `${name}, step ${id}: doing has at most 40 characters`).toBeLessThanOrEqual(40)
          }
          const removal = removalStepsOf(operation)
          const allIds = [...ids, ...removal.map(({ id }) => id)]
          expect(new Set(allIds).size, `${name}: ids of all steps, those of the removal included`).toBe(allIds.length)
          for (const { id, title, doing, when, absentAfterMs = MIN_ABSENT_AFTER_MS } of removal) {
            expect(title, `${name}, removal ${id}: title`).toMatch(/^Delete the \w/)
            expect(doing, `${name}, removal ${id}: doing`).toBe(title.replace('Delete', 'Deleting'))
            expect(doing.length, `${name}, removal ${id}: doing has at most 40 characters`).toBeLessThanOrEqual(40)
            expect(when, `${name}, removal ${id}: no \`when\``).toBeUndefined()
            expect(absentAfterMs, `${name}, removal ${id}: absentAfterMs`).toBeGreaterThanOrEqual(MIN_ABSENT_AFTER_MS)
          }
          if (operation.removal) expect(operation.removal.loses, `${name}: what is lost`).toMatch(/^\p{Lu}.*\.$/su)
          expect(steps[0]?.when, `${name}: the first step has no \`when\``).toBeUndefined()
          expect(operation.deadlineMs, `${name}: deadlineMs is at least a minute`).toBeGreaterThanOrEqual(MINUTE)
          expect(operation.deadlineMs, `${name}: deadlineMs is at most a week`).toBeLessThanOrEqual(WEEK_MS)
          expect(operation.pollEveryMs ?? 3_000, `${name}: pollEveryMs is at least a second`).toBeGreaterThanOrEqual(
            1_000,
          )
          const { repeatable = [] } = example.operations[name] ?? {}
          for (const { id, absentAfterMs = MIN_ABSENT_AFTER_MS } of steps) {
            if (repeatable.includes(id)) continue
            const rule = `${name}, step ${id}: absentAfterMs is at least 10 s, or the step is \`repeatable\` in the example`
            expect(absentAfterMs, rule).toBeGreaterThanOrEqual(MIN_ABSENT_AFTER_MS)
          }
        }
      },
    },
  ]
}

/** Checks of an operation's functions that ask nothing of the API. */
export function wordingChecks({ name, operation, example }: Subject): Check[] {
  return [
    {
      title: `${name}: every answer that was picked belongs to a field with that picker`,
      async run(world) {
        const { raw } = await world.fill(operation, example)
        for (const { key, picker } of fieldsOf(operation)) {
          const values = [raw[key]].flat()
          const from = world.picked.filter(({ value }) => values.includes(value)).map((one) => one.picker)
          if (from.length > 0) expect(from, `the picker of the field ${key}`).toContain(picker)
        }
      },
    },
    {
      title: `${name}: jobs onto the same target have the same lock, and others have not`,
      async run(world) {
        const lock = async (change?: typeof example.params) =>
          operation.lock((await world.fill(operation, example, change)).params)
        const mine = await lock()
        expect(await lock(), 'the same answers').toBe(mine)
        expect(await lock(example.others.target), 'another target').not.toBe(mine)
        if (example.others.source)
          expect(await lock(example.others.source), 'another source for the same target').toBe(mine)
      },
    },
    {
      title: `${name}: names both ends with their place`,
      async run(world) {
        const { named, raw } = await world.fill(operation, example)
        expect(operation.summary(named)).toEqual(example.summary)
        const fields = fieldsOf(operation)
        const field = fields.find(({ key }) => key === example.source.field)
        if (!field?.picker)
          throw new Error(`The example's source.field "${example.source.field}" is no field with a picker.`)
        const options = await world.list(field.picker, await world.valuesFor(field.picker))
        expect(options.length).toBeGreaterThan(0)
        for (const option of options) {
          const words = { ...named, ...wordsOf(operation, field.key, option) }
          const { from } = operation.summary(words)
          expect(from, 'every source with its place').toMatch(example.source.name)
          expect(sourceOf(operation, words), 'rules know the source').toBe(from)
          if (option.place !== undefined) expect(from, 'the place of the option').toContain(option.place)
        }
        // A target that was picked has the place its list tells.
        const { from, to } = operation.summary(named)
        for (const { key, picker } of fields) {
          const chosen = picker && (await world.list(picker, stringsOf(raw))).find(({ value }) => value === raw[key])
          if (chosen && chosen.place !== undefined)
            expect(`${from}\n${to}`, `the place of ${key}`).toContain(chosen.place)
        }
      },
    },
    {
      title: `${name}: says before anything is done what will and will not be copied`,
      async run(world) {
        const { params, named } = await world.fill(operation, example)
        for (const words of [named, {}]) {
          const { copied, notCopied } = operation.preview(params, words)
          for (const sentence of [copied, notCopied]) expect(sentence).toMatch(/^\p{Lu}.*\.$/su)
          expect(Object.keys(operation.summary(words)).sort()).toEqual(['from', 'to'])
        }
      },
    },
    {
      title: `${name}: warns of nothing that nobody chose, unless it overwrites something`,
      async run(world) {
        const { raw, named } = await world.fill(operation, example)
        const required = fieldsOf(operation).filter((field) => field.required)
        const chosen = Object.fromEntries(required.map(({ key }) => [key, raw[key]]))
        const defaults = operation.fields.parse(chosen)
        const { warning, overwrites: isOverwriting = false } = operation.preview(defaults, named)
        expect(isOverwriting, 'overwrites').toBe(example.overwrites ?? false)
        if (example.overwrites) expect(warning).toContain('overwritten')
        else expect(warning).toBeUndefined()
        // What is lost doesn't depend on a default, so no other answer makes a part of the warning go away.
        for (const { key } of fieldsOf(operation).filter(({ kind }) => kind === 'yes-no')) {
          const { data, success } = operation.fields.safeParse({ ...chosen, [key]: !defaults[key] })
          if (!success || warning === undefined) continue
          expect(operation.preview(data, named).warning, `the warning with another ${key}`).toContain(warning)
        }
        const found = await world.reading('validate', () => operation.validate?.(world.api, defaults))
        expect(found?.warnings ?? [], 'warnings of `validate`').toEqual(example.warnings ?? [])
        const calm = Object.entries(named).map(([key, words]) => [key, words.replaceAll(/production/gi, 'staging')])
        const target = { connection: { name: 'example', provider: { name: 'Example' } }, operation }
        const checked = { isChecked: true, warnings: [] } as const
        const { blocks } = lastPageView(target, defaults, Object.fromEntries(calm), 'key', checked)
        expect(JSON.stringify(blocks).match(/⚠️/g)?.length ?? 0, 'warnings on the page').toBe(isOverwriting ? 1 : 0)
      },
    },
    {
      title: `${name}: leaves a step out when the answers say so`,
      async run(world) {
        const { params, raw } = await world.fill(operation, example)
        for (const step of stepsOf(operation)) {
          if (!step.when) continue
          expect(step.when(params), `the example's params go through all steps, also "${step.id}"`).toBe(true)
          const change = example.without?.[step.id]
          if (!change) throw new Error(`The example has no \`without.${step.id}\`: answers that leave this step out.`)
          expect(
            step.when(operation.fields.parse({ ...raw, ...change })),
            `${JSON.stringify(change)} leaves "${step.id}" out`,
          ).toBe(false)
        }
      },
    },
  ]
}

/** What a form knows of one chosen option. */
function wordsOf(operation: Operation, key: string, option: Option): Record<string, string> {
  const field = fieldsOf(operation).find((one) => one.key === key)
  const answers = { values: {}, named: {} as Record<string, string>, picked: {} }
  if (field) setPicked(answers, field, [option])
  return answers.named
}

function stringsOf(raw: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  )
}
