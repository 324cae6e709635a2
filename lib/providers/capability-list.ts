/**
 * What models can do, by provider, as LiteLLM publishes it (MIT License, Copyright 2023 Berri AI). Written by
 * infra/known-capabilities.ts; not edited by hand.
 */
export const capabilitySource = { name: 'litellm', version: '1.110.2', readOn: '2026-11-30' } as const;

/** Lists of words, divided by spaces. */
export const capabilityList: readonly { readonly provider: string; readonly able: string; readonly models: string }[] =
  [
    {
      provider: 'openai',
      able: 'tools audio',
      models:
        'gpt-4o-audio-preview-2024-12-17 gpt-4o-audio-preview-2025-06-03 gpt-4o-mini-audio-preview-2024-12-17 gpt-audio gpt-audio-1.5 gpt-audio-2025-08-28 gpt-audio-mini gpt-audio-mini-2025-10-06 gpt-audio-mini-2025-12-15',
    },
    { provider: 'openai', able: 'tools json', models: 'o3-mini o3-mini-2025-01-31' },
    {
      provider: 'openai',
      able: 'tools vision json',
      models:
        'chat-latest daybreak-blue-latest daybreak-red-latest gpt-4.1 gpt-4.1-2025-04-14 gpt-4.1-mini gpt-4.1-mini-2025-04-14 gpt-4.1-nano gpt-4.1-nano-2025-04-14 gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini gpt-4o-mini-2024-07-18 gpt-4o-mini-search-preview gpt-4o-mini-search-preview-2025-03-11 gpt-4o-search-preview gpt-4o-search-preview-2025-03-11 gpt-5 gpt-5-2025-08-07 gpt-5-chat-latest gpt-5-codex gpt-5-mini gpt-5-mini-2025-08-07 gpt-5-nano gpt-5-nano-2025-08-07 gpt-5-pro gpt-5-pro-2025-10-06 gpt-5-search-api gpt-5-search-api-2025-10-14 gpt-5.1 gpt-5.1-2025-11-13 gpt-5.1-chat-latest gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-codex-mini gpt-5.2 gpt-5.2-2025-12-11 gpt-5.2-chat-latest gpt-5.2-codex gpt-5.2-pro gpt-5.2-pro-2025-12-11 gpt-5.3-chat-latest gpt-5.3-codex gpt-5.4 gpt-5.4-2026-03-05 gpt-5.4-mini gpt-5.4-mini-2026-03-17 gpt-5.4-nano gpt-5.4-nano-2026-03-17 gpt-5.5 gpt-5.5-2026-04-23 gpt-5.6 gpt-5.6-cyber gpt-5.6-luna gpt-5.6-sol gpt-5.6-terra gpt-6-astra gpt-6-astra-law gpt-6-cyber gpt-6-luna gpt-6-rosalind gpt-6-sol gpt-6.1-sol gpt-6.1-terra gpt-daybreak-blue-latest gpt-daybreak-red-latest o1 o1-2024-12-17 o1-pro o1-pro-2025-03-19 o3 o3-2025-04-16 o3-pro o3-pro-2025-06-10 o4-mini o4-mini-2025-04-16',
    },
    {
      provider: 'openai',
      able: 'tools vision',
      models:
        'computer-use-preview computer-use-preview-2025-03-11 gpt-4-turbo gpt-4-turbo-2024-04-09 gpt-4o-2024-05-13 gpt-5.4-pro gpt-5.4-pro-2026-03-05 gpt-5.5-pro gpt-5.5-pro-2026-04-23',
    },
    {
      provider: 'openai',
      able: 'tools',
      models: 'gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-3.5-turbo-1106 gpt-4 gpt-4-0613 gpt-4-1106-preview',
    },
    { provider: 'openai', able: 'vision json', models: 'gpt-5-chat' },
    {
      provider: 'openai',
      able: 'vision',
      models: 'o3-deep-research o3-deep-research-2025-06-26 o4-mini-deep-research o4-mini-deep-research-2025-06-26',
    },
    {
      provider: 'anthropic',
      able: 'tools vision json',
      models:
        'claude-fable-5 claude-fable-5-1 claude-haiku-4-5 claude-haiku-4-5-20251001 claude-haiku-5-5 claude-mythos-5 claude-mythos-5-1 claude-mythos-preview claude-opus-4-5 claude-opus-4-5-20251101 claude-opus-4-6 claude-opus-4-6-20260205 claude-opus-4-7 claude-opus-4-7-20260416 claude-opus-4-8 claude-opus-5 claude-opus-5-5 claude-sonnet-4-5 claude-sonnet-4-5-20250929 claude-sonnet-4-6 claude-sonnet-5 claude-sonnet-5-5',
    },
    {
      provider: 'google',
      able: '',
      models:
        'gemini-2.5-pro-preview-tts lyria-3-clip-preview lyria-3-pro-preview lyria-3.5 lyria-3.5-clip-preview lyria-3.5-pro-preview lyria-realtime-exp',
    },
    { provider: 'google', able: 'tools vision audio', models: 'gemini-robotics-er-2-streaming-preview' },
    {
      provider: 'google',
      able: 'tools vision json audio',
      models:
        'gemini-2.5-flash gemini-2.5-flash-lite gemini-2.5-pro gemini-3-flash-preview gemini-3.1-flash-lite gemini-3.1-flash-lite-preview gemini-3.1-pro-preview gemini-3.1-pro-preview-customtools gemini-3.5-flash gemini-3.5-flash-lite gemini-3.6-flash gemini-3.7-flash gemini-3.8-flash gemini-4-argon gemini-4-hydrogen gemini-flash-latest gemini-flash-latest gemini-flash-lite-latest gemini-flash-lite-latest gemini-pro-latest gemini-pro-latest gemini-robotics-er-2-preview',
    },
    {
      provider: 'google',
      able: 'tools vision json',
      models:
        'gemini-exp-1114 gemini-exp-1206 gemini-exp-1206 gemma-3-27b-it gemma-4-26b-a4b-it gemma-4-31b-it learnlm-1.5-pro-experimental',
    },
    {
      provider: 'google',
      able: 'tools vision',
      models: 'gemini-2.5-computer-use-preview-10-2025 gemini-gemma-2-27b-it gemini-gemma-2-9b-it',
    },
    { provider: 'google', able: 'vision audio', models: 'gemini-omni-1.1-flash gemini-omni-flash-preview' },
    { provider: 'google', able: 'vision json', models: 'deep-research-pro-preview-12-2025' },
    {
      provider: 'google',
      able: 'vision',
      models: 'deep-research-max-preview-04-2026 deep-research-preview-04-2026 gemini-omni-1.2-flash',
    },
    { provider: 'mistral', able: 'json', models: 'mistral-tiny open-mistral-nemo' },
    { provider: 'mistral', able: 'tools json audio', models: 'voxtral-small-2507 voxtral-small-latest' },
    {
      provider: 'mistral',
      able: 'tools json',
      models:
        'codestral-2508 codestral-latest devstral-latest devstral-medium-latest devstral-small-latest glm-5-2 labs-leanstral-1-5 labs-leanstral-1-5-1 mistral-code-agent-latest mistral-code-fim-latest mistral-code-latest mistral-small zai-glm-5 zai-glm-5-2 zai-glm-5-3 zai-glm-latest',
    },
    {
      provider: 'mistral',
      able: 'tools vision json',
      models:
        'deepseek-v4-1-flash-1017 magistral-medium-latest magistral-small-latest ministral-14b-2512 ministral-14b-latest ministral-3-14b-2512 ministral-3-3b-2512 ministral-3-8b-2512 ministral-3b-2512 ministral-3b-latest ministral-8b-2512 ministral-8b-latest mistral-large-2512 mistral-large-3 mistral-large-4 mistral-large-4-0 mistral-large-latest mistral-medium mistral-medium-2604 mistral-medium-3 mistral-medium-3-5 mistral-medium-3.5 mistral-medium-latest mistral-small-2603 mistral-small-latest mistral-vibe-cli-fast mistral-vibe-cli-latest mistral-vibe-cli-with-tools pixtral-large-latest zai-glm-5-3-flash',
    },
    {
      provider: 'groq',
      able: 'tools json',
      models: 'openai/gpt-oss-120b openai/gpt-oss-20b openai/gpt-oss-safeguard-20b',
    },
    { provider: 'groq', able: 'tools vision json', models: 'qwen/qwen3.8-27b' },
    { provider: 'deepseek', able: 'json', models: 'deepseek-reasoner deepseek-reasoner' },
    { provider: 'deepseek', able: 'tools json', models: 'deepseek-chat deepseek-chat deepseek-v4-pro deepseek-v4-pro' },
    {
      provider: 'deepseek',
      able: 'tools vision json',
      models:
        'deepseek-flash deepseek-flash deepseek-v4-flash deepseek-v4-flash deepseek-v4-flash-vision-exp deepseek-v4-flash-vision-exp',
    },
    { provider: 'deepseek', able: 'tools', models: 'deepseek-coder deepseek-r1 deepseek-v3 deepseek-v3.2' },
    {
      provider: 'together',
      able: 'tools json',
      models:
        'Qwen/Qwen2.5-7B-Instruct-Turbo deepseek-ai/DeepSeek-V3 deepseek-ai/DeepSeek-V4-Flash-0731 deepseek-ai/DeepSeek-V4-Pro-0813 deepseek-ai/DeepSeek-V4.1-Flash meta-llama/Llama-3.3-70B-Instruct-Turbo meta-models/Muse-Spark-Open-816B-A42B moonshotai/Kimi-K2-Instruct openai/gpt-oss-120b reflection/Beam-1.0-501B-A23B thinkingmachines/Inkling zai-org/GLM-5.2 zai-org/GLM-5.3',
    },
    {
      provider: 'together',
      able: 'tools vision json',
      models:
        'MiniMaxAI/MiniMax-M3 Qwen/Qwen3.5-9B deepseek-ai/DeepSeek-V4.1-Flash-1017 moonshotai/Kimi-K3 moonshotai/Kimi-K3.1-Pro nvidia/NVIDIA-Nemotron-3.5-Super-VL zai-org/GLM-5.3-Flash',
    },
    { provider: 'together', able: 'tools', models: 'togethercomputer/CodeLlama-34b-Instruct zai-org/GLM-4.6' },
    {
      provider: 'xai',
      able: 'tools vision json',
      models:
        'grok-4.20 grok-4.20-0309 grok-4.20-0309-non-reasoning grok-4.20-0309-reasoning grok-4.20-beta grok-4.20-beta-0309 grok-4.20-beta-0309-non-reasoning grok-4.20-beta-0309-reasoning grok-4.20-beta-latest grok-4.20-beta-latest-non-reasoning grok-4.20-beta-latest-reasoning grok-4.20-beta-non-reasoning grok-4.20-beta-reasoning grok-4.20-experimental-beta-0304 grok-4.20-experimental-beta-0304-non-reasoning grok-4.20-experimental-beta-0304-reasoning grok-4.20-experimental-beta-latest grok-4.20-experimental-beta-non-reasoning-latest grok-4.20-experimental-beta-reasoning-latest grok-4.20-multi-agent-beta-0309 grok-4.20-non-reasoning grok-4.20-non-reasoning-gv2 grok-4.20-non-reasoning-latest grok-4.20-reasoning grok-4.20-reasoning-gv2 grok-4.20-reasoning-latest grok-4.3 grok-4.3-latest grok-4.5 grok-4.5-latest grok-4.6 grok-4.7 grok-build-0.1 grok-build-latest grok-code-fast grok-code-fast-1 grok-code-fast-1-0825',
    },
    {
      provider: 'xai',
      able: 'vision json',
      models:
        'grok-4.20-multi-agent grok-4.20-multi-agent-0309 grok-4.20-multi-agent-beta-latest grok-4.20-multi-agent-experimental-beta-0304 grok-4.20-multi-agent-experimental-beta-latest grok-4.20-multi-agent-latest',
    },
  ];
