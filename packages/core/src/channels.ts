export type {
  ChannelConnection,
  ChannelConnectionOptions,
  ChannelContract,
  ChannelDefinition,
  ChannelDirection,
  ChannelHandlers,
  ChannelInput,
  NamesOf,
} from './lib/events/channel.ts';
export { connectChannels } from './lib/events/channel.ts';
export type { UiChannels } from './lib/events/channel-contract.ts';
export { uiChannels } from './lib/events/channel-contract.ts';
export type { ChannelLimits } from './lib/events/channel-input.ts';
export { defaultChannelLimits } from './lib/events/channel-input.ts';
export type { TokenBucket, TokenRate } from './lib/events/token-bucket.ts';
export { createTokenBucket } from './lib/events/token-bucket.ts';
export { contentSecurityPolicy, isNavigationAllowed, isPermissionAllowed } from './lib/events/ui-policy.ts';
