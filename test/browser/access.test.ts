/** Access in the demo, for a guest, a member, and someone of the platform group. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { become, type Demo, picture, startBrowser, startDemo } from './browser.js'

describe('in the demo', () => {
  let demo: Demo
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo(), startBrowser()])
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(demo.url)
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  async function type(text: string): Promise<void> {
    const composer = page.getByRole('textbox', { name: 'Message #platform' })
    await composer.fill(text)
    await composer.press('Enter')
  }

  /** What page 1 offers. */
  async function offers(name: string): Promise<string[]> {
    await type('/clone-app ')
    const choice = page.getByRole('dialog', { name: 'Clone an app' })
    await choice.getByRole('combobox').click()
    // Not those of the panel, which is folded.
    const options = page.getByRole('option').filter({ visible: true })
    await options.first().waitFor()
    await picture(page, name)
    const texts = await options.allTextContents()
    await page.keyboard.press('Escape')
    await choice.getByRole('button', { name: 'Cancel' }).click()
    await choice.waitFor({ state: 'hidden' })
    return texts
  }

  const log = () => page.getByRole('log', { name: 'Messages in #platform' })

  it('a guest is refused, with whom to ask', async () => {
    await become(page, 'Cleo Diaz')
    await type('/clone-app ')
    await log().getByText("You can't use Dolly here. Ask #platform for access.").waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await picture(page, 'access-1-guest')
  })

  it('a member sees only their connections, and is refused the rest by name', async () => {
    await become(page, 'Bo Chen')
    expect(await offers('access-2-member')).toEqual(['Copy a container on hoody', 'Sync a copy on hoody'])
    await type('/clone-app help')
    await log().getByText('/clone-app hoody copy').waitFor()
    expect(await log().getByText('/clone-app miget').count()).toBe(0)
    await type('/clone-app miget clone')
    await log().getByText("You can't use miget. Ask #platform for access.").waitFor()
    await picture(page, 'access-3-member-help')
  })

  it('a member is refused a target, and keeps the form', async () => {
    await type('/clone-app hoody copy container=shop-api project=woolworks-production name=sneaked')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.getByRole('button', { name: 'Next' }).click()
    const refusal = page.getByRole('dialog', { name: "That didn't work" })
    await refusal.getByText('from "shop-api in woolworks-production" to "sneaked in woolworks-production"').waitFor()
    await picture(page, 'access-4-target')
    await refusal.getByRole('button', { name: 'Back' }).click()
    await form.waitFor()
    expect(await form.getByRole('textbox', { name: 'Name of the copy' }).inputValue()).toBe('sneaked')
    await form.getByRole('button', { name: 'Cancel' }).click()
    await form.waitFor({ state: 'hidden' })
  })

  it('the platform group sees everything', async () => {
    await become(page, 'Ann Baker')
    const all = await offers('access-5-group')
    expect(all.length).toBeGreaterThanOrEqual(8)
    const some = ['Clone an app on miget', 'Copy a container on hoody', 'Clone an environment on qovery']
    expect(all).toEqual(expect.arrayContaining(some))
  })

  it('people who have left can’t be chosen', async () => {
    expect(await page.getByRole('button', { name: 'Dora Eng' }).count()).toBe(0)
  })
})
