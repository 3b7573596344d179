/** A preset and a schedule as tests save them. */
import { randomUUID } from 'node:crypto'
import type { NewPreset } from '../../src/store/presets.js'
import type { NewSchedule } from '../../src/store/schedules.js'

export function newPreset(wanted: Partial<NewPreset> = {}): NewPreset {
  return {
    name: 'nightly',
    scope: 'person',
    owner: 'U1',
    connection: 'dummy-one',
    operation: 'clone',
    values: { name: 'copy', deploy: 'no' },
    labels: {},
    source: 'source',
    target: 'copy',
    channel: 'here',
    keepForMs: null,
    repeats: null,
    createdBy: 'U1',
    ...wanted,
  }
}

export function newSchedule(wanted: Partial<NewSchedule> = {}): NewSchedule {
  return {
    submission: randomUUID(),
    presetId: 'p1',
    preset: 'nightly',
    connection: 'dummy-one',
    operation: 'clone',
    source: 'source',
    target: 'copy',
    cron: '0 2 * * *',
    zone: 'UTC',
    owner: 'U1',
    channel: 'C1',
    nextAt: Date.parse('2026-01-01T02:00Z'),
    missed: 'run',
    ...wanted,
  }
}
