/**
 * What newcomers to the demo read first: what they can try, from the easiest on. Only what works now.
 *
 * @param deploys the id of the channel where history.ts has people ask for jobs.
 */
export function welcome(deploys: string): string {
  return [
    '*Welcome to the Paddock, where you can try Dolly without an account.* Things to try:',
    '1. Type `/clone-app`, choose what to clone, and follow the thread until the clone runs.',
    '2. Open *dolly* under *Apps*: what needs you, what’s running, what’s expiring, presets and schedules.',
    `3. Look at <#${deploys}>: approve Eli’s copy, try the failed clone again, extend, delete or repeat the copy that expires today.`,
    '4. Type `/clone-app nightly-search now` to run a preset, `/clone-app list` or `/clone-app history` to look back, `/clone-app help` for the rest.',
    '5. Become Bo or Cleo under *You are* on the left: they may do less than Ann. On Hoody, a copy into production needs a second person’s approval.',
    '6. Open *Behind the scenes* on the right: look at the providers, break something, kill the bot while a job runs, or let seven hours pass.',
  ].join('\n')
}
