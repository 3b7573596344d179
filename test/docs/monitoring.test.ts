/** The dashboard and the alerts ask only for what docs/monitoring.md has; test/e2e/watched.test.ts compares that with the bot. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { documentedMetrics, monitoringPage } from '../helpers/monitoring-page.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, 'docs', file), 'utf8')

const Panel = z.object({
  id: z.number(),
  type: z.enum(['row', 'stat', 'timeseries']),
  title: z.string().min(3),
  description: z.string().min(10).optional(),
  gridPos: z.strictObject({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z.array(z.object({ expr: z.string(), refId: z.string(), datasource: z.unknown() })).default([]),
})
const { panels, templating } = z
  .object({
    panels: z.array(Panel),
    templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
  })
  .parse(JSON.parse(read('grafana-dashboard.json')))

const Rule = z.strictObject({
  alert: z.string().regex(/^Dolly[A-Z]\w+$/),
  expr: z.string(),
  for: z.string().regex(/^\d+m$/),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string().min(10), description: z.string().min(10) }),
})
const { groups } = z
  .strictObject({ groups: z.tuple([z.strictObject({ name: z.literal('dolly'), rules: z.array(Rule) })]) })
  .parse(parse(read('alerts.yml')))
const [{ rules }] = groups

/** The series of the documented metrics by name: a histogram has three. */
const series = new Map(
  documentedMetrics.flatMap(({ name, type, labels }): [string, readonly string[]][] =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
)
/** What Prometheus adds to each. */
const TARGET_LABELS = ['instance', 'job']

/** What is wrong with a query: series that there aren't, or labels that they don't have. */
function mistakesIn(query: string): string[] {
  const names = [...query.matchAll(/\bdolly_\w+/g)].map(([name]) => name)
  const known = new Set([...TARGET_LABELS, ...names.flatMap((name) => series.get(name) ?? [])])
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */))
  const selected = [...query.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    [...list.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label = '']) => label),
  )
  return [
    ...(names.length === 0 ? ['no series'] : []),
    ...names.filter((name) => !series.has(name)),
    ...[...grouped, ...selected].filter((label) => !known.has(label)),
  ]
}

it('finds what is wrong with a query', () => {
  expect(mistakesIn('sum by (le, kind) (rate(dolly_slack_ack_duration_seconds_bucket[5m]))')).toEqual([])
  expect(mistakesIn('sum by (channel) (dolly_jobs{person="U1"})')).toEqual(['channel', 'person'])
  expect(mistakesIn('rate(dolly_slack_ack_duration_seconds[5m])')).toEqual(['dolly_slack_ack_duration_seconds'])
  expect(mistakesIn('time()')).toEqual(['no series'])
})

describe('the dashboard', () => {
  const shown = panels.filter(({ type }) => type !== 'row')
  const queries = shown.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })))

  it.each(queries)('asks for what there is in "$title": $expr', ({ expr }) => {
    expect(mistakesIn(expr)).toEqual([])
  })

  it("shows each of Dolly's own metrics", () => {
    const own = documentedMetrics.filter(({ name }) => !/^dolly_(process|nodejs)_/.test(name))
    const all = queries.map(({ expr }) => expr).join('\n')
    expect(own.length).toBeGreaterThan(8)
    expect(own.filter(({ name }) => !all.includes(name))).toEqual([])
  })

  it('explains each panel, and puts none onto another', () => {
    expect(shown.filter(({ description, targets }) => description === undefined || targets.length === 0)).toEqual([])
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })

  it('uses only variables that it has or that are of Grafana', () => {
    const known = [...templating.list.map(({ name }) => name), '__rate_interval', '__all']
    const used = [...read('grafana-dashboard.json').matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    expect(used.filter((name) => !known.includes(name))).toEqual([])
  })
})

describe('the alerts', () => {
  it.each(rules)('asks for what there is in $alert', ({ expr }) => expect(mistakesIn(expr)).toEqual([]))

  it('are five, and docs/monitoring.md explains each in order, and no other', () => {
    const explained = [...monitoringPage.matchAll(/^\| `(Dolly\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$/gm)]
    expect(rules).toHaveLength(5)
    expect(explained.map(([, name]) => name)).toEqual(rules.map(({ alert }) => alert))
  })
})
