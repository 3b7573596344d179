/** What docs/monitoring.md says about metrics. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const monitoringPage = readFileSync(join(root, 'docs/monitoring.md'), 'utf8')

interface DocumentedMetric {
  name: string
  type: string
  /** In alphabetical order. */
  labels: string[]
}

/** The rows of its tables of metrics. */
export const documentedMetrics: readonly DocumentedMetric[] = [
  ...monitoringPage.matchAll(/^\| `(dolly_\w+)` \| (\w+) \|([^|]*)\| \S.* \|$/gm),
].map(([, name = '', type = '', labels = '']) => ({
  name,
  type,
  labels: labels
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
    .sort(),
}))
