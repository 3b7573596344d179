import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { REFUSAL } from './helpers/in-process.js'

describe('a test of the project "fast"', () => {
  it('cannot start a server', () => {
    expect(() => createServer().listen(0)).toThrow(REFUSAL)
  })

  it('cannot start another process', () => {
    expect(() => spawn(process.execPath, ['--version'])).toThrow(REFUSAL)
  })

  it('cannot start a worker thread', () => {
    expect(() => new Worker('', { eval: true })).toThrow(REFUSAL)
  })
})
