/** Runs every operation of every provider in the demo, from the form to the end of the job. */
import { existsSync } from 'node:fs'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as providers from '../../src/providers/index.js'
import { type Demo, openThread, picture, startBrowser, startDemo } from './browser.js'

interface Journey {
  provider: string
  operation: string
  /** Answers by the field's label; a field comes after those it depends on. `pick` searches a list. */
  answers: readonly ({ label: string } & ({ pick: string } | { type: string } | { tick: true }))[]
  /** What the thread says at the end. */
  end: RegExp
}

const journeys: readonly Journey[] = [
  {
    provider: 'cloud-foundry',
    operation: 'clone',
    answers: [
      { label: 'App', pick: 'shop-api' },
      { label: 'Target space', pick: 'staging' },
      { label: 'Name of the clone', type: 'shop-api-2' },
      { label: 'Host name', type: 'shop-api-2' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'cloud-foundry',
    operation: 'copy-bits',
    answers: [
      { label: 'App to copy from', pick: 'shop-api' },
      { label: 'App to overwrite', pick: 'shop-api-staging' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'coolify',
    operation: 'clone',
    answers: [
      { label: 'Application', pick: 'shop-web' },
      { label: 'Name of the clone', type: 'shop-web-pr-12' },
      { label: 'Target environment', pick: 'Shop / staging' },
      { label: 'Target server', pick: 'flock-hel-1' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'coolify',
    operation: 'clone-service',
    answers: [
      { label: 'Service', pick: 'plausible' },
      { label: 'Name of the clone', type: 'plausible-pr-12' },
      { label: 'Target environment', pick: 'Shop / staging' },
      { label: 'Target server', pick: 'flock-hel-1' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'coolify',
    operation: 'clone-database',
    answers: [
      { label: 'Database', pick: 'shop-db' },
      { label: 'Name of the clone', type: 'shop-db-pr-12' },
      { label: 'Target environment', pick: 'Shop / staging' },
      { label: 'Target server', pick: 'flock-hel-1' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'hoody',
    operation: 'copy',
    answers: [
      { label: 'Container', pick: 'billing' },
      { label: 'Target project', pick: 'woolworks-staging' },
      { label: 'Name of the copy', type: 'billing-2' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'hoody',
    operation: 'sync',
    answers: [{ label: 'Copy to update', pick: 'shop-api-staging' }],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'miget',
    operation: 'clone',
    answers: [
      { label: 'Source app', pick: 'shop-api' },
      { label: 'Label of the clone', type: 'Shop API 2' },
      { label: 'Name of the clone', type: 'shop-api-2' },
      { label: 'Target project', pick: 'woolworks-staging' },
      { label: 'Resource', pick: 'migetlamb' },
    ],
    end: /(is running|is ready)/,
  },
  {
    provider: 'qovery',
    operation: 'clone',
    answers: [
      { label: 'Service', pick: 'shop-api (Shop / production)' },
      { label: 'Target environment', pick: 'staging' },
      { label: 'Name of the clone', type: 'shop-api-2' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'qovery',
    operation: 'clone-environment',
    answers: [
      { label: 'Environment', pick: 'staging' },
      { label: 'Target project', pick: 'Shop' },
      { label: 'Name of the clone', type: 'review-12' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
  {
    provider: 'rainbond',
    operation: 'copy',
    answers: [
      { label: 'App', pick: 'Production / Frankfurt / shop' },
      { label: 'Target team and region', pick: 'Staging / Frankfurt' },
      { label: 'Name of the new app', type: 'shop-pr-12' },
    ],
    end: /(is running|is ready|is up to date)/,
  },
]

it('every operation of a simulated provider has a journey', () => {
  const simulated = Object.values(providers).filter(({ id }) => existsSync(`sandbox/providers/${id}.ts`))
  const operations = simulated.flatMap(({ id, operations }) => Object.keys(operations).map((name) => `${id} ${name}`))
  expect(journeys.map(({ provider, operation }) => `${provider} ${operation}`).sort()).toEqual(operations.sort())
})

describe('in the demo', () => {
  let demo: Demo
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo(), startBrowser()])
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(demo.url)
    // Before the first message is counted.
    await page.getByRole('article', { name: /^Slackbot: Welcome/ }).waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  for (const { provider, operation, answers, end } of journeys) {
    it(`${provider} ${operation} goes from the form to its end`, async () => {
      const messages = page.getByRole('log', { name: 'Messages in #platform' }).getByRole('article')
      const root = messages.nth(await messages.count())
      const composer = page.getByRole('textbox', { name: 'Message #platform' })
      await composer.fill(`/clone-app ${provider} ${operation}`)
      await composer.press('Enter')
      const form = page.getByRole('dialog')
      await form.getByRole('button', { name: 'Next' }).waitFor()
      for (const answer of answers) await fill(form, answer)
      await picture(page, `${provider}-${operation}-form`)
      await form.getByRole('button', { name: 'Next' }).click()
      await form.getByText('Not copied', { exact: true }).waitFor()
      await picture(page, `${provider}-${operation}-preview`)
      await form.getByRole('button').last().click()
      await form.waitFor({ state: 'hidden' })

      const thread = await openThread(page, root)
      await thread.getByText(end).first().waitFor({ timeout: 100_000 })
      await picture(page, `${provider}-${operation}-end`)
    })
  }

  async function fill(form: Locator, answer: Journey['answers'][number]): Promise<void> {
    if ('type' in answer) return await form.getByRole('textbox', { name: answer.label, exact: true }).fill(answer.type)
    if ('tick' in answer) return await form.getByRole('group', { name: answer.label }).getByRole('checkbox').check()
    const input = form.getByRole('combobox', { name: answer.label, exact: true })
    await input.click()
    await input.pressSequentially(answer.pick)
    await page.getByRole('option', { name: answer.pick }).first().click()
  }
})
