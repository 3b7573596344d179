FROM node:22-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json rolldown.config.ts ./
COPY src src
RUN npm ci && npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
USER node
CMD ["node", "dist/cli.js"]
