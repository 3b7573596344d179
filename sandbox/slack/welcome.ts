/** What newcomers to the demo read first: what they can try, from the easiest on. Only what works now. */
export const WELCOME = [
  '*Welcome to the Paddock, where Dolly can be tried without an account.* Things to try:',
  '1. Type `/clone-app`, choose what to clone, and follow the thread until the clone runs.',
  '2. Type `/clone-app help` to see what you may do here.',
  '3. Become Bo or Cleo under *You are* on the left: they may do less than Ann.',
  '4. Open *Behind the scenes* on the right: look at the providers, break something, or kill the bot while a job runs.',
].join('\n')
