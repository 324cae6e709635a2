// Generated from schemas/*.avsc by `make generate`. Do not edit.

/** Every released version of every message, oldest first; the last is what we write. */
export const schemaVersions: Readonly<Record<string, readonly { readonly id: number; readonly schema: unknown }[]>> = {
 "AwaitedOutcome": [
  {
   "id": 1001,
   "schema": {
    "type": "record",
    "name": "AwaitedOutcome",
    "namespace": "quantumrouter",
    "doc": "reward-feedback's state of one decision that waits for outcomes.",
    "fields": [
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "decided",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteDecided",
        "namespace": "quantumrouter",
        "doc": "The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "decisionId",
          "type": "string",
          "doc": "Id of the decision; equal to requestId, since a request has one decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "Echo this as the key of the outcome."
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model to use."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "fallbacks",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Fallback",
            "namespace": "quantumrouter",
            "doc": "A model to try next.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             }
            ]
           }
          },
          "doc": "In order, other providers first."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the engine is that no candidate is better; 0..1."
         },
         {
          "name": "propensity",
          "type": "double",
          "doc": "Exact probability with which the model was drawn."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedCandidate",
            "namespace": "quantumrouter",
            "doc": "What was known of one candidate.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether it could be drawn."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not.",
              "default": null
             },
             {
              "name": "propensity",
              "type": "double",
              "doc": "Exact probability with which it was drawn."
             },
             {
              "name": "predictedQuality",
              "type": "double",
              "doc": "Predicted quality, 0..1."
             },
             {
              "name": "utility",
              "type": "double",
              "doc": "Predicted utility."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency, in milliseconds."
             }
            ]
           }
          },
          "doc": "All candidates, in config order; propensities sum to 1."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "How the threads were made one."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedThread",
            "namespace": "quantumrouter",
            "doc": "One thread as collapse used it.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "TIMEOUT when nothing had come by the deadline."
             },
             {
              "name": "choice",
              "type": [
               "null",
               "string"
              ],
              "doc": "Its most probable model.",
              "default": null
             },
             {
              "name": "score",
              "type": [
               "null",
               "double"
              ],
              "doc": "Its utility for that model.",
              "default": null
             },
             {
              "name": "weight",
              "type": "double",
              "doc": "Its share in the collapsed distribution; 0..1."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Its distribution, in the order of candidates.",
              "default": []
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used.",
              "default": null
             }
            ]
           }
          },
          "doc": "Exactly the threads used, in declared order."
         },
         {
          "name": "reasoning",
          "type": "string",
          "doc": "Why, for a person to read."
         },
         {
          "name": "versions",
          "type": {
           "type": "record",
           "name": "Versions",
           "namespace": "quantumrouter",
           "doc": "Everything large this decision depends on, by version.",
           "fields": [
            {
             "name": "config",
             "type": "long",
             "doc": "Config version."
            },
            {
             "name": "tuning",
             "type": "long",
             "doc": "Tuning version."
            },
            {
             "name": "policySha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Policy weights.",
             "default": null
            },
            {
             "name": "basisSha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Basis weights.",
             "default": null
            },
            {
             "name": "encoder",
             "type": "string",
             "doc": "Feature encoder."
            }
           ]
          },
          "doc": "Versions in force."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed the draw was made with."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way."
         },
         {
          "name": "cacheHit",
          "type": "boolean",
          "doc": "Whether the distribution came from the routing cache."
         },
         {
          "name": "degradedTo",
          "type": {
           "type": "enum",
           "name": "Degradation",
           "namespace": "quantumrouter",
           "doc": "How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates.",
           "symbols": [
            "NONE",
            "LAST_GOOD_WEIGHTS",
            "STATIC_STRATEGIES",
            "CHEAPEST_HEALTHY"
           ]
          },
          "doc": "Degradation step."
         },
         {
          "name": "stagesMs",
          "type": {
           "type": "record",
           "name": "StagesMs",
           "namespace": "quantumrouter",
           "doc": "Where the time went, in milliseconds.",
           "fields": [
            {
             "name": "queued",
             "type": "double",
             "doc": "From request to intake."
            },
            {
             "name": "intake",
             "type": "double",
             "doc": "In intake."
            },
            {
             "name": "strategies",
             "type": "double",
             "doc": "From intake to the last score."
            },
            {
             "name": "collapse",
             "type": "double",
             "doc": "From there to the decision."
            },
            {
             "name": "total",
             "type": "double",
             "doc": "From request to decision."
            }
           ]
          },
          "doc": "Time per stage."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offsets of the opened and scored records used, by topic (or topic/group)."
         },
         {
          "name": "decidedAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "outcomes",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "RouteOutcome",
        "namespace": "quantumrouter",
        "doc": "What happened when a model was called. Key: the decision's routingKey.",
        "fields": [
         {
          "name": "decisionId",
          "type": "string",
          "doc": "The decision it belongs to."
         },
         {
          "name": "routingKey",
          "type": [
           "null",
           "string"
          ],
          "doc": "routingKey of the decision; decisionId when null.",
          "default": null
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model really called."
         },
         {
          "name": "attempt",
          "type": "int",
          "doc": "1 for the decided model, 2 and up for fallbacks.",
          "default": 1
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "OutcomeStatus",
           "namespace": "quantumrouter",
           "doc": "How the call of the model ended.",
           "symbols": [
            "SUCCESS",
            "FAILURE",
            "TIMEOUT",
            "RATE_LIMITED",
            "CANCELLED"
           ]
          },
          "doc": "How the call ended."
         },
         {
          "name": "latencyMs",
          "type": [
           "null",
           "double"
          ],
          "doc": "Time to the full answer, in milliseconds.",
          "default": null
         },
         {
          "name": "inputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens read.",
          "default": null
         },
         {
          "name": "outputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens written.",
          "default": null
         },
         {
          "name": "costUsd",
          "type": [
           "null",
           "double"
          ],
          "doc": "What it cost, in USD; null when unknown.",
          "default": null
         },
         {
          "name": "quality",
          "type": [
           "null",
           "double"
          ],
          "doc": "How good the answer was, 0..1; null when nobody knows (never read as 0).",
          "default": null
         },
         {
          "name": "rewardParts",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Further parts such as userFeedback, each 0..1.",
          "default": {}
         },
         {
          "name": "source",
          "type": "string",
          "doc": "Who judged: user, judge, test, …",
          "default": "unknown"
         },
         {
          "name": "provisional",
          "type": "boolean",
          "doc": "Whether a better judgement may still come.",
          "default": false
         },
         {
          "name": "revision",
          "type": "int",
          "doc": "0 for the first report of this attempt; a higher one corrects a lower one.",
          "default": 0
         },
         {
          "name": "occurredAtMs",
          "type": "long",
          "doc": "When the answer was complete, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "The outcome with the highest revision of each attempt: waiting while `event` is null, used after that (for duplicates and revisions)."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "When first seen."
     },
     {
      "name": "rewarded",
      "type": "boolean",
      "doc": "Whether a learning event with a quality was emitted.",
      "default": false
     },
     {
      "name": "event",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "An encoded LearningEvent of kind CLOSED with all that opened and decided say: a fifth of their size in memory, and all that an outcome needs.",
      "default": null
     },
     {
      "name": "providers",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Provider of each of the event's models.",
      "default": []
     }
    ]
   }
  },
  {
   "id": 1022,
   "schema": {
    "type": "record",
    "name": "AwaitedOutcome",
    "namespace": "quantumrouter",
    "doc": "reward-feedback's state of one decision that waits for outcomes.",
    "fields": [
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "contextFeatures",
          "type": "bytes",
          "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
          "default": ""
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxSessionCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "sessionLastQuality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
          "default": null
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "decided",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteDecided",
        "namespace": "quantumrouter",
        "doc": "The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "decisionId",
          "type": "string",
          "doc": "Id of the decision; equal to requestId, since a request has one decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "Echo this as the key of the outcome."
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model to use."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "fallbacks",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Fallback",
            "namespace": "quantumrouter",
            "doc": "A model to try next.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             }
            ]
           }
          },
          "doc": "In order, other providers first."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the engine is that no candidate is better; 0..1."
         },
         {
          "name": "propensity",
          "type": "double",
          "doc": "Exact probability with which the model was drawn."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedCandidate",
            "namespace": "quantumrouter",
            "doc": "What was known of one candidate.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether it could be drawn."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not.",
              "default": null
             },
             {
              "name": "propensity",
              "type": "double",
              "doc": "Exact probability with which it was drawn."
             },
             {
              "name": "predictedQuality",
              "type": "double",
              "doc": "Predicted quality, 0..1."
             },
             {
              "name": "utility",
              "type": "double",
              "doc": "Predicted utility."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency, in milliseconds."
             }
            ]
           }
          },
          "doc": "All candidates, in config order; propensities sum to 1."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "How the threads were made one."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedThread",
            "namespace": "quantumrouter",
            "doc": "One thread as collapse used it.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "TIMEOUT when nothing had come by the deadline."
             },
             {
              "name": "choice",
              "type": [
               "null",
               "string"
              ],
              "doc": "Its most probable model.",
              "default": null
             },
             {
              "name": "score",
              "type": [
               "null",
               "double"
              ],
              "doc": "Its utility for that model.",
              "default": null
             },
             {
              "name": "weight",
              "type": "double",
              "doc": "Its share in the collapsed distribution; 0..1."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Its distribution, in the order of candidates.",
              "default": []
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used.",
              "default": null
             }
            ]
           }
          },
          "doc": "Exactly the threads used, in declared order."
         },
         {
          "name": "reasoning",
          "type": "string",
          "doc": "Why, for a person to read."
         },
         {
          "name": "versions",
          "type": {
           "type": "record",
           "name": "Versions",
           "namespace": "quantumrouter",
           "doc": "Everything large this decision depends on, by version.",
           "fields": [
            {
             "name": "config",
             "type": "long",
             "doc": "Config version."
            },
            {
             "name": "tuning",
             "type": "long",
             "doc": "Tuning version."
            },
            {
             "name": "policySha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Policy weights.",
             "default": null
            },
            {
             "name": "basisSha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Basis weights.",
             "default": null
            },
            {
             "name": "encoder",
             "type": "string",
             "doc": "Feature encoder."
            }
           ]
          },
          "doc": "Versions in force."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed the draw was made with."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way."
         },
         {
          "name": "cacheHit",
          "type": "boolean",
          "doc": "Whether the distribution came from the routing cache."
         },
         {
          "name": "degradedTo",
          "type": {
           "type": "enum",
           "name": "Degradation",
           "namespace": "quantumrouter",
           "doc": "How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates.",
           "symbols": [
            "NONE",
            "LAST_GOOD_WEIGHTS",
            "STATIC_STRATEGIES",
            "CHEAPEST_HEALTHY"
           ]
          },
          "doc": "Degradation step."
         },
         {
          "name": "stagesMs",
          "type": {
           "type": "record",
           "name": "StagesMs",
           "namespace": "quantumrouter",
           "doc": "Where the time went, in milliseconds.",
           "fields": [
            {
             "name": "queued",
             "type": "double",
             "doc": "From request to intake."
            },
            {
             "name": "intake",
             "type": "double",
             "doc": "In intake."
            },
            {
             "name": "strategies",
             "type": "double",
             "doc": "From intake to the last score."
            },
            {
             "name": "collapse",
             "type": "double",
             "doc": "From there to the decision."
            },
            {
             "name": "total",
             "type": "double",
             "doc": "From request to decision."
            }
           ]
          },
          "doc": "Time per stage."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offsets of the opened and scored records used, by topic (or topic/group)."
         },
         {
          "name": "decidedAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "outcomes",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "RouteOutcome",
        "namespace": "quantumrouter",
        "doc": "What happened when a model was called. Key: the decision's routingKey.",
        "fields": [
         {
          "name": "decisionId",
          "type": "string",
          "doc": "The decision it belongs to."
         },
         {
          "name": "routingKey",
          "type": [
           "null",
           "string"
          ],
          "doc": "routingKey of the decision; decisionId when null.",
          "default": null
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model really called."
         },
         {
          "name": "attempt",
          "type": "int",
          "doc": "1 for the decided model, 2 and up for fallbacks.",
          "default": 1
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "OutcomeStatus",
           "namespace": "quantumrouter",
           "doc": "How the call of the model ended.",
           "symbols": [
            "SUCCESS",
            "FAILURE",
            "TIMEOUT",
            "RATE_LIMITED",
            "CANCELLED"
           ]
          },
          "doc": "How the call ended."
         },
         {
          "name": "latencyMs",
          "type": [
           "null",
           "double"
          ],
          "doc": "Time to the full answer, in milliseconds.",
          "default": null
         },
         {
          "name": "inputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens read.",
          "default": null
         },
         {
          "name": "outputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens written.",
          "default": null
         },
         {
          "name": "costUsd",
          "type": [
           "null",
           "double"
          ],
          "doc": "What it cost, in USD; null when unknown.",
          "default": null
         },
         {
          "name": "quality",
          "type": [
           "null",
           "double"
          ],
          "doc": "How good the answer was, 0..1; null when nobody knows (never read as 0).",
          "default": null
         },
         {
          "name": "rewardParts",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Further parts such as userFeedback, each 0..1.",
          "default": {}
         },
         {
          "name": "source",
          "type": "string",
          "doc": "Who judged: user, judge, test, …",
          "default": "unknown"
         },
         {
          "name": "provisional",
          "type": "boolean",
          "doc": "Whether a better judgement may still come.",
          "default": false
         },
         {
          "name": "revision",
          "type": "int",
          "doc": "0 for the first report of this attempt; a higher one corrects a lower one.",
          "default": 0
         },
         {
          "name": "occurredAtMs",
          "type": "long",
          "doc": "When the answer was complete, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "The outcome with the highest revision of each attempt: waiting while `event` is null, used after that (for duplicates and revisions)."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "When first seen."
     },
     {
      "name": "rewarded",
      "type": "boolean",
      "doc": "Whether a learning event with a quality was emitted.",
      "default": false
     },
     {
      "name": "event",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "An encoded LearningEvent of kind CLOSED with all that opened and decided say: a fifth of their size in memory, and all that an outcome needs.",
      "default": null
     },
     {
      "name": "providers",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Provider of each of the event's models.",
      "default": []
     }
    ]
   }
  },
  {
   "id": 1032,
   "schema": {
    "type": "record",
    "name": "AwaitedOutcome",
    "namespace": "quantumrouter",
    "doc": "reward-feedback's state of one decision that waits for outcomes.",
    "fields": [
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "contextFeatures",
          "type": "bytes",
          "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
          "default": ""
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxSessionCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "priceFactors",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
             "default": {}
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "sessionLastQuality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
          "default": null
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         },
         {
          "name": "holds",
          "type": [
           "null",
           {
            "type": "record",
            "name": "Holds",
            "namespace": "quantumrouter",
            "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
            "fields": [
             {
              "name": "images",
              "type": "int",
              "doc": "Images.",
              "default": 0
             },
             {
              "name": "audio",
              "type": "int",
              "doc": "Pieces of sound.",
              "default": 0
             },
             {
              "name": "files",
              "type": "int",
              "doc": "Files and documents.",
              "default": 0
             },
             {
              "name": "toolCalls",
              "type": "int",
              "doc": "Calls of tools by the assistant.",
              "default": 0
             },
             {
              "name": "toolResults",
              "type": "int",
              "doc": "Answers of tools.",
              "default": 0
             },
             {
              "name": "other",
              "type": "int",
              "doc": "Parts of a kind that is not known here.",
              "default": 0
             }
            ]
           }
          ],
          "doc": "What the conversation holds beside text; null when it is text alone.",
          "default": null
         },
         {
          "name": "contentHash",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
          "default": null
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "decided",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteDecided",
        "namespace": "quantumrouter",
        "doc": "The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "decisionId",
          "type": "string",
          "doc": "Id of the decision; equal to requestId, since a request has one decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "Echo this as the key of the outcome."
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model to use."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "fallbacks",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Fallback",
            "namespace": "quantumrouter",
            "doc": "A model to try next.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             }
            ]
           }
          },
          "doc": "In order, other providers first."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the engine is that no candidate is better; 0..1."
         },
         {
          "name": "propensity",
          "type": "double",
          "doc": "Exact probability with which the model was drawn."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedCandidate",
            "namespace": "quantumrouter",
            "doc": "What was known of one candidate.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether it could be drawn."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not.",
              "default": null
             },
             {
              "name": "propensity",
              "type": "double",
              "doc": "Exact probability with which it was drawn."
             },
             {
              "name": "predictedQuality",
              "type": "double",
              "doc": "Predicted quality, 0..1."
             },
             {
              "name": "utility",
              "type": "double",
              "doc": "Predicted utility."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency, in milliseconds."
             }
            ]
           }
          },
          "doc": "All candidates, in config order; propensities sum to 1."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "How the threads were made one."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedThread",
            "namespace": "quantumrouter",
            "doc": "One thread as collapse used it.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "TIMEOUT when nothing had come by the deadline."
             },
             {
              "name": "choice",
              "type": [
               "null",
               "string"
              ],
              "doc": "Its most probable model.",
              "default": null
             },
             {
              "name": "score",
              "type": [
               "null",
               "double"
              ],
              "doc": "Its utility for that model.",
              "default": null
             },
             {
              "name": "weight",
              "type": "double",
              "doc": "Its share in the collapsed distribution; 0..1."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Its distribution, in the order of candidates.",
              "default": []
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used.",
              "default": null
             }
            ]
           }
          },
          "doc": "Exactly the threads used, in declared order."
         },
         {
          "name": "reasoning",
          "type": "string",
          "doc": "Why, for a person to read."
         },
         {
          "name": "versions",
          "type": {
           "type": "record",
           "name": "Versions",
           "namespace": "quantumrouter",
           "doc": "Everything large this decision depends on, by version.",
           "fields": [
            {
             "name": "config",
             "type": "long",
             "doc": "Config version."
            },
            {
             "name": "tuning",
             "type": "long",
             "doc": "Tuning version."
            },
            {
             "name": "policySha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Policy weights.",
             "default": null
            },
            {
             "name": "basisSha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Basis weights.",
             "default": null
            },
            {
             "name": "encoder",
             "type": "string",
             "doc": "Feature encoder."
            }
           ]
          },
          "doc": "Versions in force."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed the draw was made with."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way."
         },
         {
          "name": "cacheHit",
          "type": "boolean",
          "doc": "Whether the distribution came from the routing cache."
         },
         {
          "name": "degradedTo",
          "type": {
           "type": "enum",
           "name": "Degradation",
           "namespace": "quantumrouter",
           "doc": "How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates.",
           "symbols": [
            "NONE",
            "LAST_GOOD_WEIGHTS",
            "STATIC_STRATEGIES",
            "CHEAPEST_HEALTHY"
           ]
          },
          "doc": "Degradation step."
         },
         {
          "name": "stagesMs",
          "type": {
           "type": "record",
           "name": "StagesMs",
           "namespace": "quantumrouter",
           "doc": "Where the time went, in milliseconds.",
           "fields": [
            {
             "name": "queued",
             "type": "double",
             "doc": "From request to intake."
            },
            {
             "name": "intake",
             "type": "double",
             "doc": "In intake."
            },
            {
             "name": "strategies",
             "type": "double",
             "doc": "From intake to the last score."
            },
            {
             "name": "collapse",
             "type": "double",
             "doc": "From there to the decision."
            },
            {
             "name": "total",
             "type": "double",
             "doc": "From request to decision."
            }
           ]
          },
          "doc": "Time per stage."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offsets of the opened and scored records used, by topic (or topic/group)."
         },
         {
          "name": "decidedAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         },
         {
          "name": "contentHash",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
          "default": null
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "outcomes",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "RouteOutcome",
        "namespace": "quantumrouter",
        "doc": "What happened when a model was called. Key: the decision's routingKey.",
        "fields": [
         {
          "name": "decisionId",
          "type": "string",
          "doc": "The decision it belongs to."
         },
         {
          "name": "routingKey",
          "type": [
           "null",
           "string"
          ],
          "doc": "routingKey of the decision; decisionId when null.",
          "default": null
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model really called."
         },
         {
          "name": "attempt",
          "type": "int",
          "doc": "1 for the decided model, 2 and up for fallbacks.",
          "default": 1
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "OutcomeStatus",
           "namespace": "quantumrouter",
           "doc": "How the call of the model ended.",
           "symbols": [
            "SUCCESS",
            "FAILURE",
            "TIMEOUT",
            "RATE_LIMITED",
            "CANCELLED"
           ]
          },
          "doc": "How the call ended."
         },
         {
          "name": "latencyMs",
          "type": [
           "null",
           "double"
          ],
          "doc": "Time to the full answer, in milliseconds.",
          "default": null
         },
         {
          "name": "inputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens read.",
          "default": null
         },
         {
          "name": "outputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens written.",
          "default": null
         },
         {
          "name": "costUsd",
          "type": [
           "null",
           "double"
          ],
          "doc": "What it cost, in USD; null when unknown.",
          "default": null
         },
         {
          "name": "quality",
          "type": [
           "null",
           "double"
          ],
          "doc": "How good the answer was, 0..1; null when nobody knows (never read as 0).",
          "default": null
         },
         {
          "name": "rewardParts",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Further parts such as userFeedback, each 0..1.",
          "default": {}
         },
         {
          "name": "source",
          "type": "string",
          "doc": "Who judged: user, judge, test, …",
          "default": "unknown"
         },
         {
          "name": "provisional",
          "type": "boolean",
          "doc": "Whether a better judgement may still come.",
          "default": false
         },
         {
          "name": "revision",
          "type": "int",
          "doc": "0 for the first report of this attempt; a higher one corrects a lower one.",
          "default": 0
         },
         {
          "name": "occurredAtMs",
          "type": "long",
          "doc": "When the answer was complete, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "All reports taken of each attempt, at most 32: waiting while `event` is null, used after that (for duplicates, further reports and revisions)."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "When first seen."
     },
     {
      "name": "rewarded",
      "type": "boolean",
      "doc": "Whether a learning event with a quality was emitted.",
      "default": false
     },
     {
      "name": "event",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "An encoded LearningEvent of kind CLOSED with all that opened and decided say: a fifth of their size in memory, and all that an outcome needs.",
      "default": null
     },
     {
      "name": "providers",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Provider of each of the event's models.",
      "default": []
     },
     {
      "name": "expectedLatenciesMs",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Expected latency of each of the event's models, in milliseconds: how much of a reported one can be believed.",
      "default": []
     }
    ]
   }
  },
  {
   "id": 1041,
   "schema": {
    "type": "record",
    "name": "AwaitedOutcome",
    "namespace": "quantumrouter",
    "doc": "reward-feedback's state of one decision that waits for outcomes.",
    "fields": [
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "contextFeatures",
          "type": "bytes",
          "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
          "default": ""
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             },
             {
              "name": "declared",
              "type": [
               "null",
               {
                "type": "record",
                "name": "Declared",
                "namespace": "quantumrouter",
                "doc": "What the configuration says of a model, whatever was observed since.",
                "fields": [
                 {
                  "name": "quality",
                  "type": "double",
                  "doc": "Of its answers to this task type; 0..1."
                 },
                 {
                  "name": "costUsd",
                  "type": "double",
                  "doc": "Of one answer of the declared length at the price in force, in USD."
                 },
                 {
                  "name": "latencyMs",
                  "type": "double",
                  "doc": "Of one answer, in milliseconds."
                 }
                ]
               }
              ],
              "doc": "What the configuration declares; null from before it was pinned.",
              "default": null
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxSessionCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "priceFactors",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
             "default": {}
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            },
            {
             "name": "regretAllowance",
             "type": [
              "null",
              "double"
             ],
             "doc": "Utility one request may be expected to lose against the choice by declared beliefs; below 0 is nothing, null is no limit.",
             "default": null
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "sessionLastQuality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
          "default": null
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         },
         {
          "name": "holds",
          "type": [
           "null",
           {
            "type": "record",
            "name": "Holds",
            "namespace": "quantumrouter",
            "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
            "fields": [
             {
              "name": "images",
              "type": "int",
              "doc": "Images.",
              "default": 0
             },
             {
              "name": "audio",
              "type": "int",
              "doc": "Pieces of sound.",
              "default": 0
             },
             {
              "name": "files",
              "type": "int",
              "doc": "Files and documents.",
              "default": 0
             },
             {
              "name": "toolCalls",
              "type": "int",
              "doc": "Calls of tools by the assistant.",
              "default": 0
             },
             {
              "name": "toolResults",
              "type": "int",
              "doc": "Answers of tools.",
              "default": 0
             },
             {
              "name": "other",
              "type": "int",
              "doc": "Parts of a kind that is not known here.",
              "default": 0
             }
            ]
           }
          ],
          "doc": "What the conversation holds beside text; null when it is text alone.",
          "default": null
         },
         {
          "name": "contentHash",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
          "default": null
         },
         {
          "name": "priorObservations",
          "type": "double",
          "doc": "Observations of a model on this task type that outweigh what is declared of it.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "decided",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteDecided",
        "namespace": "quantumrouter",
        "doc": "The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "decisionId",
          "type": "string",
          "doc": "Id of the decision; equal to requestId, since a request has one decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "Echo this as the key of the outcome."
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model to use."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "fallbacks",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Fallback",
            "namespace": "quantumrouter",
            "doc": "A model to try next.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             }
            ]
           }
          },
          "doc": "In order, other providers first."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the engine is that no candidate is better; 0..1."
         },
         {
          "name": "propensity",
          "type": "double",
          "doc": "Exact probability with which the model was drawn."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedCandidate",
            "namespace": "quantumrouter",
            "doc": "What was known of one candidate.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Provider."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether it could be drawn."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not.",
              "default": null
             },
             {
              "name": "propensity",
              "type": "double",
              "doc": "Exact probability with which it was drawn."
             },
             {
              "name": "predictedQuality",
              "type": "double",
              "doc": "Predicted quality, 0..1."
             },
             {
              "name": "utility",
              "type": "double",
              "doc": "Predicted utility."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency, in milliseconds."
             }
            ]
           }
          },
          "doc": "All candidates, in config order; propensities sum to 1."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "How the threads were made one."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "DecidedThread",
            "namespace": "quantumrouter",
            "doc": "One thread as collapse used it.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "TIMEOUT when nothing had come by the deadline."
             },
             {
              "name": "choice",
              "type": [
               "null",
               "string"
              ],
              "doc": "Its most probable model.",
              "default": null
             },
             {
              "name": "score",
              "type": [
               "null",
               "double"
              ],
              "doc": "Its utility for that model.",
              "default": null
             },
             {
              "name": "weight",
              "type": "double",
              "doc": "Its share in the collapsed distribution; 0..1."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Its distribution, in the order of candidates.",
              "default": []
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used.",
              "default": null
             }
            ]
           }
          },
          "doc": "Exactly the threads used, in declared order."
         },
         {
          "name": "reasoning",
          "type": "string",
          "doc": "Why, for a person to read."
         },
         {
          "name": "versions",
          "type": {
           "type": "record",
           "name": "Versions",
           "namespace": "quantumrouter",
           "doc": "Everything large this decision depends on, by version.",
           "fields": [
            {
             "name": "config",
             "type": "long",
             "doc": "Config version."
            },
            {
             "name": "tuning",
             "type": "long",
             "doc": "Tuning version."
            },
            {
             "name": "policySha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Policy weights.",
             "default": null
            },
            {
             "name": "basisSha256",
             "type": [
              "null",
              "string"
             ],
             "doc": "Basis weights.",
             "default": null
            },
            {
             "name": "encoder",
             "type": "string",
             "doc": "Feature encoder."
            }
           ]
          },
          "doc": "Versions in force."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed the draw was made with."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way."
         },
         {
          "name": "cacheHit",
          "type": "boolean",
          "doc": "Whether the distribution came from the routing cache."
         },
         {
          "name": "degradedTo",
          "type": {
           "type": "enum",
           "name": "Degradation",
           "namespace": "quantumrouter",
           "doc": "How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates.",
           "symbols": [
            "NONE",
            "LAST_GOOD_WEIGHTS",
            "STATIC_STRATEGIES",
            "CHEAPEST_HEALTHY"
           ]
          },
          "doc": "Degradation step."
         },
         {
          "name": "stagesMs",
          "type": {
           "type": "record",
           "name": "StagesMs",
           "namespace": "quantumrouter",
           "doc": "Where the time went, in milliseconds.",
           "fields": [
            {
             "name": "queued",
             "type": "double",
             "doc": "From request to intake."
            },
            {
             "name": "intake",
             "type": "double",
             "doc": "In intake."
            },
            {
             "name": "strategies",
             "type": "double",
             "doc": "From intake to the last score."
            },
            {
             "name": "collapse",
             "type": "double",
             "doc": "From there to the decision."
            },
            {
             "name": "total",
             "type": "double",
             "doc": "From request to decision."
            }
           ]
          },
          "doc": "Time per stage."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offsets of the opened and scored records used, by topic (or topic/group)."
         },
         {
          "name": "decidedAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         },
         {
          "name": "contentHash",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
          "default": null
         }
        ]
       }
      ],
      "doc": "Null until seen, and null again once both are folded into `event`.",
      "default": null
     },
     {
      "name": "outcomes",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "RouteOutcome",
        "namespace": "quantumrouter",
        "doc": "What happened when a model was called. Key: the decision's routingKey.",
        "fields": [
         {
          "name": "decisionId",
          "type": "string",
          "doc": "The decision it belongs to."
         },
         {
          "name": "routingKey",
          "type": [
           "null",
           "string"
          ],
          "doc": "routingKey of the decision; decisionId when null.",
          "default": null
         },
         {
          "name": "model",
          "type": "string",
          "doc": "The model really called."
         },
         {
          "name": "attempt",
          "type": "int",
          "doc": "1 for the decided model, 2 and up for fallbacks.",
          "default": 1
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "OutcomeStatus",
           "namespace": "quantumrouter",
           "doc": "How the call of the model ended.",
           "symbols": [
            "SUCCESS",
            "FAILURE",
            "TIMEOUT",
            "RATE_LIMITED",
            "CANCELLED"
           ]
          },
          "doc": "How the call ended."
         },
         {
          "name": "latencyMs",
          "type": [
           "null",
           "double"
          ],
          "doc": "Time to the full answer, in milliseconds.",
          "default": null
         },
         {
          "name": "inputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens read.",
          "default": null
         },
         {
          "name": "outputTokens",
          "type": [
           "null",
           "int"
          ],
          "doc": "Tokens written.",
          "default": null
         },
         {
          "name": "costUsd",
          "type": [
           "null",
           "double"
          ],
          "doc": "What it cost, in USD; null when unknown.",
          "default": null
         },
         {
          "name": "quality",
          "type": [
           "null",
           "double"
          ],
          "doc": "How good the answer was, 0..1; null when nobody knows (never read as 0).",
          "default": null
         },
         {
          "name": "rewardParts",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Further parts such as userFeedback, each 0..1.",
          "default": {}
         },
         {
          "name": "source",
          "type": "string",
          "doc": "Who judged: user, judge, test, …",
          "default": "unknown"
         },
         {
          "name": "provisional",
          "type": "boolean",
          "doc": "Whether a better judgement may still come.",
          "default": false
         },
         {
          "name": "revision",
          "type": "int",
          "doc": "0 for the first report of this attempt; a higher one corrects a lower one.",
          "default": 0
         },
         {
          "name": "occurredAtMs",
          "type": "long",
          "doc": "When the answer was complete, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "All reports taken of each attempt, at most 32: waiting while `event` is null, used after that (for duplicates, further reports and revisions)."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "When first seen."
     },
     {
      "name": "rewarded",
      "type": "boolean",
      "doc": "Whether a learning event with a quality was emitted.",
      "default": false
     },
     {
      "name": "event",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "An encoded LearningEvent of kind CLOSED with all that opened and decided say: a fifth of their size in memory, and all that an outcome needs.",
      "default": null
     },
     {
      "name": "providers",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Provider of each of the event's models.",
      "default": []
     },
     {
      "name": "expectedLatenciesMs",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Expected latency of each of the event's models, in milliseconds: how much of a reported one can be believed.",
      "default": []
     }
    ]
   }
  }
 ],
 "ConfigApplied": [
  {
   "id": 1002,
   "schema": {
    "type": "record",
    "name": "ConfigApplied",
    "namespace": "quantumrouter",
    "doc": "A validated configuration. Key: 'current'.",
    "fields": [
     {
      "name": "version",
      "type": "long",
      "doc": "Growing by one."
     },
     {
      "name": "json",
      "type": "string",
      "doc": "The configuration as JSON."
     },
     {
      "name": "appliedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  },
  {
   "id": 1033,
   "schema": {
    "type": "record",
    "name": "ConfigApplied",
    "namespace": "quantumrouter",
    "doc": "A validated configuration. Key: 'current'.",
    "fields": [
     {
      "name": "version",
      "type": "long",
      "doc": "Growing by one."
     },
     {
      "name": "json",
      "type": "string",
      "doc": "The configuration as JSON."
     },
     {
      "name": "appliedAtMs",
      "type": "long",
      "doc": "When."
     },
     {
      "name": "appliedBy",
      "type": "string",
      "default": "",
      "doc": "Who put it in force: a file, an address over HTTP, a command. Empty in records of older releases."
     },
     {
      "name": "fileSha256",
      "type": [
       "null",
       "string"
      ],
      "default": null,
      "doc": "SHA-256 (hex) of the configuration that a file last put in force, as JSON; changes from elsewhere carry it on, so that a restart with the same file is known to bring nothing new."
     }
    ]
   }
  }
 ],
 "DeadLetter": [
  {
   "id": 1003,
   "schema": {
    "type": "record",
    "name": "DeadLetter",
    "namespace": "quantumrouter",
    "doc": "A record that could not be handled. The original record follows the access rules of its topic.",
    "fields": [
     {
      "name": "topic",
      "type": "string",
      "doc": "Original topic."
     },
     {
      "name": "partition",
      "type": "int",
      "doc": "Original partition."
     },
     {
      "name": "offset",
      "type": "long",
      "doc": "Original offset."
     },
     {
      "name": "group",
      "type": "string",
      "doc": "Consumer group that gave up."
     },
     {
      "name": "reason",
      "type": "string",
      "doc": "Why."
     },
     {
      "name": "field",
      "type": [
       "null",
       "string"
      ],
      "doc": "Path of the offending field.",
      "default": null
     },
     {
      "name": "key",
      "type": [
       "null",
       "string"
      ],
      "doc": "Original key.",
      "default": null
     },
     {
      "name": "value",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "Original bytes; null when too large.",
      "default": null
     },
     {
      "name": "valueSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Hash of the original bytes when too large.",
      "default": null
     },
     {
      "name": "valueBytes",
      "type": "int",
      "doc": "Original size."
     },
     {
      "name": "failedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  }
 ],
 "LateOutcome": [
  {
   "id": 1004,
   "schema": {
    "type": "record",
    "name": "LateOutcome",
    "namespace": "quantumrouter",
    "doc": "An outcome whose decision was no longer waited for; counts at retraining.",
    "fields": [
     {
      "name": "outcome",
      "type": {
       "type": "record",
       "name": "RouteOutcome",
       "namespace": "quantumrouter",
       "doc": "What happened when a model was called. Key: the decision's routingKey.",
       "fields": [
        {
         "name": "decisionId",
         "type": "string",
         "doc": "The decision it belongs to."
        },
        {
         "name": "routingKey",
         "type": [
          "null",
          "string"
         ],
         "doc": "routingKey of the decision; decisionId when null.",
         "default": null
        },
        {
         "name": "model",
         "type": "string",
         "doc": "The model really called."
        },
        {
         "name": "attempt",
         "type": "int",
         "doc": "1 for the decided model, 2 and up for fallbacks.",
         "default": 1
        },
        {
         "name": "status",
         "type": {
          "type": "enum",
          "name": "OutcomeStatus",
          "namespace": "quantumrouter",
          "doc": "How the call of the model ended.",
          "symbols": [
           "SUCCESS",
           "FAILURE",
           "TIMEOUT",
           "RATE_LIMITED",
           "CANCELLED"
          ]
         },
         "doc": "How the call ended."
        },
        {
         "name": "latencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Time to the full answer, in milliseconds.",
         "default": null
        },
        {
         "name": "inputTokens",
         "type": [
          "null",
          "int"
         ],
         "doc": "Tokens read.",
         "default": null
        },
        {
         "name": "outputTokens",
         "type": [
          "null",
          "int"
         ],
         "doc": "Tokens written.",
         "default": null
        },
        {
         "name": "costUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "What it cost, in USD; null when unknown.",
         "default": null
        },
        {
         "name": "quality",
         "type": [
          "null",
          "double"
         ],
         "doc": "How good the answer was, 0..1; null when nobody knows (never read as 0).",
         "default": null
        },
        {
         "name": "rewardParts",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Further parts such as userFeedback, each 0..1.",
         "default": {}
        },
        {
         "name": "source",
         "type": "string",
         "doc": "Who judged: user, judge, test, …",
         "default": "unknown"
        },
        {
         "name": "provisional",
         "type": "boolean",
         "doc": "Whether a better judgement may still come.",
         "default": false
        },
        {
         "name": "revision",
         "type": "int",
         "doc": "0 for the first report of this attempt; a higher one corrects a lower one.",
         "default": 0
        },
        {
         "name": "occurredAtMs",
         "type": "long",
         "doc": "When the answer was complete, milliseconds since the epoch."
        }
       ]
      },
      "doc": "The outcome."
     },
     {
      "name": "reason",
      "type": "string",
      "doc": "Why it was late."
     },
     {
      "name": "receivedAtMs",
      "type": "long",
      "doc": "When it was seen."
     }
    ]
   }
  }
 ],
 "LearningEvent": [
  {
   "id": 1005,
   "schema": {
    "type": "record",
    "name": "LearningEvent",
    "namespace": "quantumrouter",
    "doc": "One step of the learner's fold. One partition; a weights version is an offset in this topic.",
    "fields": [
     {
      "name": "eventId",
      "type": "string",
      "doc": "Unique: decision, attempt and revision."
     },
     {
      "name": "kind",
      "type": {
       "type": "enum",
       "name": "LearningKind",
       "namespace": "quantumrouter",
       "doc": "EXPERIENCE: the decided model's outcome. FULL: every model's outcome is known (recorded data). CLOSED: no feedback came.",
       "symbols": [
        "EXPERIENCE",
        "FULL",
        "CLOSED"
       ]
      },
      "doc": "What it is."
     },
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision, or the row of recorded data."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "As in the opened request."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "As in the opened request."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "As in the opened request."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "As in the opened request.",
      "default": null
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Task type."
     },
     {
      "name": "models",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Candidates, in config order."
     },
     {
      "name": "eligible",
      "type": {
       "type": "array",
       "items": "boolean"
      },
      "doc": "Which of them could be drawn."
     },
     {
      "name": "propensities",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "With what probability each was drawn; empty for FULL."
     },
     {
      "name": "expectedCostsUsd",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Pinned expected cost of each, in USD."
     },
     {
      "name": "priceFactors",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Pinned price factor of each."
     },
     {
      "name": "model",
      "type": [
       "null",
       "string"
      ],
      "doc": "The model that was called; null for FULL.",
      "default": null
     },
     {
      "name": "quality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its quality, 0 for a failed call; null when nobody judged.",
      "default": null
     },
     {
      "name": "costUsd",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its cost, in USD.",
      "default": null
     },
     {
      "name": "latencyMs",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its latency, in milliseconds.",
      "default": null
     },
     {
      "name": "fullQualities",
      "type": {
       "type": "array",
       "items": [
        "null",
        "double"
       ]
      },
      "doc": "FULL: quality of each model.",
      "default": []
     },
     {
      "name": "fullCostsUsd",
      "type": {
       "type": "array",
       "items": [
        "null",
        "double"
       ]
      },
      "doc": "FULL: cost of each model, in USD.",
      "default": []
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Preference of the request."
     },
     {
      "name": "strategyPropensities",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Probability each successful strategy gave to the called model.",
      "default": {}
     },
     {
      "name": "degraded",
      "type": "boolean",
      "doc": "Made below the top of the degradation ladder: no evidence for off-policy estimates.",
      "default": false
     },
     {
      "name": "provisional",
      "type": "boolean",
      "doc": "A better judgement may still come.",
      "default": false
     },
     {
      "name": "revision",
      "type": "int",
      "doc": "Corrects lower revisions of the same decision.",
      "default": 0
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Weights the decision was made with.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When the request was opened."
     },
     {
      "name": "occurredAtMs",
      "type": "long",
      "doc": "When the outcome happened."
     }
    ]
   }
  },
  {
   "id": 1023,
   "schema": {
    "type": "record",
    "name": "LearningEvent",
    "namespace": "quantumrouter",
    "doc": "One step of the learner's fold. One partition; a weights version is an offset in this topic.",
    "fields": [
     {
      "name": "eventId",
      "type": "string",
      "doc": "Unique: decision, attempt and revision."
     },
     {
      "name": "kind",
      "type": {
       "type": "enum",
       "name": "LearningKind",
       "namespace": "quantumrouter",
       "doc": "EXPERIENCE: the decided model's outcome. FULL: every model's outcome is known (recorded data). CLOSED: no feedback came.",
       "symbols": [
        "EXPERIENCE",
        "FULL",
        "CLOSED"
       ]
      },
      "doc": "What it is."
     },
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision, or the row of recorded data."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "As in the opened request."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "As in the opened request."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "As in the opened request."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "As in the opened request.",
      "default": null
     },
     {
      "name": "contextFeatures",
      "type": "bytes",
      "doc": "As in the opened request.",
      "default": ""
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Task type."
     },
     {
      "name": "models",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Candidates, in config order."
     },
     {
      "name": "eligible",
      "type": {
       "type": "array",
       "items": "boolean"
      },
      "doc": "Which of them could be drawn."
     },
     {
      "name": "propensities",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "With what probability each was drawn; empty for FULL."
     },
     {
      "name": "expectedCostsUsd",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Pinned expected cost of each, in USD."
     },
     {
      "name": "priceFactors",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Pinned price factor of each."
     },
     {
      "name": "model",
      "type": [
       "null",
       "string"
      ],
      "doc": "The model that was called; null for FULL.",
      "default": null
     },
     {
      "name": "quality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its quality, 0 for a failed call; null when nobody judged.",
      "default": null
     },
     {
      "name": "costUsd",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its cost, in USD.",
      "default": null
     },
     {
      "name": "latencyMs",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its latency, in milliseconds.",
      "default": null
     },
     {
      "name": "fullQualities",
      "type": {
       "type": "array",
       "items": [
        "null",
        "double"
       ]
      },
      "doc": "FULL: quality of each model.",
      "default": []
     },
     {
      "name": "fullCostsUsd",
      "type": {
       "type": "array",
       "items": [
        "null",
        "double"
       ]
      },
      "doc": "FULL: cost of each model, in USD.",
      "default": []
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Preference of the request."
     },
     {
      "name": "strategyPropensities",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Probability each successful strategy gave to the called model.",
      "default": {}
     },
     {
      "name": "degraded",
      "type": "boolean",
      "doc": "Made below the top of the degradation ladder: no evidence for off-policy estimates.",
      "default": false
     },
     {
      "name": "provisional",
      "type": "boolean",
      "doc": "A better judgement may still come.",
      "default": false
     },
     {
      "name": "source",
      "type": "string",
      "doc": "Who judged, as the outcome says; limits how much one source can move in a short time.",
      "default": "unknown"
     },
     {
      "name": "revision",
      "type": "int",
      "doc": "Corrects lower revisions of the same decision.",
      "default": 0
     },
     {
      "name": "replaces",
      "type": [
       "null",
       {
        "type": "record",
        "name": "ReplacedOutcome",
        "namespace": "quantumrouter",
        "doc": "What an earlier event of the same decision said.",
        "fields": [
         {
          "name": "quality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Its quality; null when nobody had judged.",
          "default": null
         },
         {
          "name": "costUsd",
          "type": [
           "null",
           "double"
          ],
          "doc": "Its cost, in USD; null when unknown.",
          "default": null
         }
        ]
       }
      ],
      "doc": "The event of this decision that this one takes the place of; null in its first. A decision is counted once: of a later event only the difference counts.",
      "default": null
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Weights the decision was made with.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When the request was opened."
     },
     {
      "name": "occurredAtMs",
      "type": "long",
      "doc": "When the outcome happened."
     }
    ]
   }
  },
  {
   "id": 1042,
   "schema": {
    "type": "record",
    "name": "LearningEvent",
    "namespace": "quantumrouter",
    "doc": "One step of the learner's fold. One partition; a weights version is an offset in this topic.",
    "fields": [
     {
      "name": "eventId",
      "type": "string",
      "doc": "Unique: decision, attempt and revision."
     },
     {
      "name": "kind",
      "type": {
       "type": "enum",
       "name": "LearningKind",
       "namespace": "quantumrouter",
       "doc": "EXPERIENCE: the decided model's outcome. FULL: every model's outcome is known (recorded data). CLOSED: no feedback came.",
       "symbols": [
        "EXPERIENCE",
        "FULL",
        "CLOSED"
       ]
      },
      "doc": "What it is."
     },
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision, or the row of recorded data."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "As in the opened request."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "As in the opened request."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "As in the opened request."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "As in the opened request.",
      "default": null
     },
     {
      "name": "contextFeatures",
      "type": "bytes",
      "doc": "As in the opened request.",
      "default": ""
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Task type."
     },
     {
      "name": "models",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Candidates, in config order."
     },
     {
      "name": "eligible",
      "type": {
       "type": "array",
       "items": "boolean"
      },
      "doc": "Which of them could be drawn."
     },
     {
      "name": "propensities",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "With what probability each was drawn; empty for FULL."
     },
     {
      "name": "expectedCostsUsd",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Pinned expected cost of each, in USD."
     },
     {
      "name": "priceFactors",
      "type": {
       "type": "array",
       "items": "double"
      },
      "doc": "Pinned price factor of each."
     },
     {
      "name": "model",
      "type": [
       "null",
       "string"
      ],
      "doc": "The model that was called; null for FULL.",
      "default": null
     },
     {
      "name": "quality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its quality, 0 for a failed call; null when nobody judged.",
      "default": null
     },
     {
      "name": "costUsd",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its cost, in USD.",
      "default": null
     },
     {
      "name": "latencyMs",
      "type": [
       "null",
       "double"
      ],
      "doc": "Its latency, in milliseconds.",
      "default": null
     },
     {
      "name": "fullQualities",
      "type": {
       "type": "array",
       "items": [
        "null",
        "double"
       ]
      },
      "doc": "FULL: quality of each model.",
      "default": []
     },
     {
      "name": "fullCostsUsd",
      "type": {
       "type": "array",
       "items": [
        "null",
        "double"
       ]
      },
      "doc": "FULL: cost of each model, in USD.",
      "default": []
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Preference of the request."
     },
     {
      "name": "strategyPropensities",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Probability each successful strategy gave to the called model.",
      "default": {}
     },
     {
      "name": "degraded",
      "type": "boolean",
      "doc": "Made below the top of the degradation ladder: no evidence for off-policy estimates.",
      "default": false
     },
     {
      "name": "provisional",
      "type": "boolean",
      "doc": "A better judgement may still come.",
      "default": false
     },
     {
      "name": "source",
      "type": "string",
      "doc": "Who judged, as the outcome says; limits how much one source can move in a short time.",
      "default": "unknown"
     },
     {
      "name": "revision",
      "type": "int",
      "doc": "Corrects lower revisions of the same decision.",
      "default": 0
     },
     {
      "name": "replaces",
      "type": [
       "null",
       {
        "type": "record",
        "name": "ReplacedOutcome",
        "namespace": "quantumrouter",
        "doc": "What an earlier event of the same decision said.",
        "fields": [
         {
          "name": "quality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Its quality; null when nobody had judged.",
          "default": null
         },
         {
          "name": "costUsd",
          "type": [
           "null",
           "double"
          ],
          "doc": "Its cost, in USD; null when unknown.",
          "default": null
         }
        ]
       }
      ],
      "doc": "The event of this decision that this one takes the place of; null in its first. A decision is counted once: of a later event only the difference counts.",
      "default": null
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Weights the decision was made with.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When the request was opened."
     },
     {
      "name": "occurredAtMs",
      "type": "long",
      "doc": "When the outcome happened."
     },
     {
      "name": "safe",
      "type": [
       "null",
       {
        "type": "record",
        "name": "SafeChoice",
        "namespace": "quantumrouter",
        "doc": "The candidate that declared beliefs alone would have chosen.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Its name."
         },
         {
          "name": "expectedUtility",
          "type": "double",
          "doc": "What it was expected to be worth to this request when it was opened."
         }
        ]
       }
      ],
      "doc": "What exploration is held against; null where no declared beliefs differ.",
      "default": null
     }
    ]
   }
  }
 ],
 "ModelObserved": [
  {
   "id": 1006,
   "schema": {
    "type": "record",
    "name": "ModelObserved",
    "namespace": "quantumrouter",
    "doc": "One call of one model, for the profiler. Key: provider, so that one task owns a provider's breaker.",
    "fields": [
     {
      "name": "observationId",
      "type": "string",
      "doc": "Unique: decision, attempt and revision."
     },
     {
      "name": "model",
      "type": "string",
      "doc": "Model."
     },
     {
      "name": "provider",
      "type": "string",
      "doc": "Provider."
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Task type."
     },
     {
      "name": "status",
      "type": {
       "type": "enum",
       "name": "OutcomeStatus",
       "namespace": "quantumrouter",
       "doc": "How the call of the model ended.",
       "symbols": [
        "SUCCESS",
        "FAILURE",
        "TIMEOUT",
        "RATE_LIMITED",
        "CANCELLED"
       ]
      },
      "doc": "How the call ended."
     },
     {
      "name": "quality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Quality, 0..1.",
      "default": null
     },
     {
      "name": "latencyMs",
      "type": [
       "null",
       "double"
      ],
      "doc": "Latency, in milliseconds.",
      "default": null
     },
     {
      "name": "costUsd",
      "type": [
       "null",
       "double"
      ],
      "doc": "Cost, in USD.",
      "default": null
     },
     {
      "name": "inputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Tokens read.",
      "default": null
     },
     {
      "name": "outputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Tokens written.",
      "default": null
     },
     {
      "name": "observedAtMs",
      "type": "long",
      "doc": "When, milliseconds since the epoch."
     },
     {
      "name": "revision",
      "type": "int",
      "doc": "0: a call. Higher: a correction of that call, not another one; only what it adds is given (quality, or cost and latency not known before).",
      "default": 0
     },
     {
      "name": "replacedQuality",
      "type": [
       "null",
       "double"
      ],
      "doc": "The quality an earlier revision reported, to be taken back; null when none had.",
      "default": null
     }
    ]
   }
  }
 ],
 "ModelProfile": [
  {
   "id": 1007,
   "schema": {
    "type": "record",
    "name": "ModelProfile",
    "namespace": "quantumrouter",
    "doc": "What experience says of one model. Key: model.",
    "fields": [
     {
      "name": "model",
      "type": "string",
      "doc": "Model."
     },
     {
      "name": "provider",
      "type": "string",
      "doc": "Provider."
     },
     {
      "name": "overall",
      "type": {
       "type": "record",
       "name": "DecayedStats",
       "namespace": "quantumrouter",
       "doc": "Exponentially decayed means.",
       "fields": [
        {
         "name": "weight",
         "type": "double",
         "doc": "Decayed number of calls."
        },
        {
         "name": "errorRate",
         "type": "double",
         "doc": "Share of failed calls; 0..1."
        },
        {
         "name": "quality",
         "type": "double",
         "doc": "Mean quality of judged calls; 0..1."
        },
        {
         "name": "qualityWeight",
         "type": "double",
         "doc": "Decayed number of judged calls."
        },
        {
         "name": "latencyMs",
         "type": "double",
         "doc": "Mean latency of successful calls, in milliseconds."
        },
        {
         "name": "latencyWeight",
         "type": "double",
         "doc": "Decayed number of timed calls."
        },
        {
         "name": "costUsd",
         "type": "double",
         "doc": "Mean cost, in USD."
        },
        {
         "name": "costWeight",
         "type": "double",
         "doc": "Decayed number of costed calls."
        },
        {
         "name": "outputTokens",
         "type": "double",
         "doc": "Mean tokens written."
        },
        {
         "name": "outputTokensWeight",
         "type": "double",
         "doc": "Decayed number of calls with known output."
        }
       ]
      },
      "doc": "Over all tasks."
     },
     {
      "name": "tasks",
      "type": {
       "type": "map",
       "values": "quantumrouter.DecayedStats"
      },
      "doc": "Per task type."
     },
     {
      "name": "breaker",
      "type": {
       "type": "record",
       "name": "Breaker",
       "namespace": "quantumrouter",
       "doc": "A three-state circuit breaker.",
       "fields": [
        {
         "name": "health",
         "type": {
          "type": "enum",
          "name": "Health",
          "namespace": "quantumrouter",
          "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
          "symbols": [
           "CLOSED",
           "HALF_OPEN",
           "OPEN"
          ]
         },
         "doc": "State."
        },
        {
         "name": "failures",
         "type": "double",
         "doc": "Decayed failures in a row."
        },
        {
         "name": "changedAtMs",
         "type": "long",
         "doc": "When it last changed."
        },
        {
         "name": "openings",
         "type": "int",
         "doc": "Openings in a row, for the back-off."
        },
        {
         "name": "probeAtMs",
         "type": [
          "null",
          "long"
         ],
         "doc": "When an OPEN breaker becomes HALF_OPEN.",
         "default": null
        },
        {
         "name": "probesSucceeded",
         "type": "int",
         "doc": "Successful probes while HALF_OPEN."
        }
       ]
      },
      "doc": "The model's breaker."
     },
     {
      "name": "providerBreaker",
      "type": "quantumrouter.Breaker",
      "doc": "Its provider's breaker."
     },
     {
      "name": "updatedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  }
 ],
 "PendingRoute": [
  {
   "id": 1008,
   "schema": {
    "type": "record",
    "name": "PendingRoute",
    "namespace": "quantumrouter",
    "doc": "route-collapse's state of one request: in superposition.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "Null while only scores have come.",
      "default": null
     },
     {
      "name": "scored",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "StrategyScored",
        "namespace": "quantumrouter",
        "doc": "What one group of strategy threads thinks of one opened request.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "As in the opened request."
         },
         {
          "name": "group",
          "type": "string",
          "doc": "Consumer group that scored."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "ThreadScore",
            "namespace": "quantumrouter",
            "doc": "One strategy on one request. It never draws.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy name."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "SUCCESS or FAILED."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Distribution over the opened candidates, in their order; empty unless SUCCESS."
             },
             {
              "name": "utilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Expected utility per candidate; empty unless SUCCESS."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per candidate, 0..1; empty unless SUCCESS."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the thread is of its utilities; 0..1."
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used, by a learned strategy.",
              "default": null
             },
             {
              "name": "coldStart",
              "type": "boolean",
              "doc": "Whether the learned strategy is still exploring uniformly.",
              "default": false
             }
            ]
           }
          },
          "doc": "Threads of this group, in declared order."
         },
         {
          "name": "scoredAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "Scores so far."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "Collapse's own clock when it first saw anything of this request."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offsets of what has come, by topic or topic/group."
     },
     {
      "name": "lastScoredAtMs",
      "type": "long",
      "doc": "When the last score came, on collapse's clock.",
      "default": 0
     }
    ]
   }
  },
  {
   "id": 1024,
   "schema": {
    "type": "record",
    "name": "PendingRoute",
    "namespace": "quantumrouter",
    "doc": "route-collapse's state of one request: in superposition.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "contextFeatures",
          "type": "bytes",
          "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
          "default": ""
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxSessionCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "sessionLastQuality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
          "default": null
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "Null while only scores have come.",
      "default": null
     },
     {
      "name": "scored",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "StrategyScored",
        "namespace": "quantumrouter",
        "doc": "What one group of strategy threads thinks of one opened request.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "As in the opened request."
         },
         {
          "name": "group",
          "type": "string",
          "doc": "Consumer group that scored."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "ThreadScore",
            "namespace": "quantumrouter",
            "doc": "One strategy on one request. It never draws.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy name."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "SUCCESS or FAILED."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Distribution over the opened candidates, in their order; empty unless SUCCESS."
             },
             {
              "name": "utilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Expected utility per candidate; empty unless SUCCESS."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per candidate, 0..1; empty unless SUCCESS."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the thread is of its utilities; 0..1."
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used, by a learned strategy.",
              "default": null
             },
             {
              "name": "coldStart",
              "type": "boolean",
              "doc": "Whether the learned strategy is still exploring uniformly.",
              "default": false
             }
            ]
           }
          },
          "doc": "Threads of this group, in declared order."
         },
         {
          "name": "scoredAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "Scores so far."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "Collapse's own clock when it first saw anything of this request."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offsets of what has come, by topic or topic/group."
     },
     {
      "name": "lastScoredAtMs",
      "type": "long",
      "doc": "When the last score came, on collapse's clock.",
      "default": 0
     }
    ]
   }
  },
  {
   "id": 1034,
   "schema": {
    "type": "record",
    "name": "PendingRoute",
    "namespace": "quantumrouter",
    "doc": "route-collapse's state of one request: in superposition.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "contextFeatures",
          "type": "bytes",
          "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
          "default": ""
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxSessionCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "priceFactors",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
             "default": {}
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "sessionLastQuality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
          "default": null
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         },
         {
          "name": "holds",
          "type": [
           "null",
           {
            "type": "record",
            "name": "Holds",
            "namespace": "quantumrouter",
            "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
            "fields": [
             {
              "name": "images",
              "type": "int",
              "doc": "Images.",
              "default": 0
             },
             {
              "name": "audio",
              "type": "int",
              "doc": "Pieces of sound.",
              "default": 0
             },
             {
              "name": "files",
              "type": "int",
              "doc": "Files and documents.",
              "default": 0
             },
             {
              "name": "toolCalls",
              "type": "int",
              "doc": "Calls of tools by the assistant.",
              "default": 0
             },
             {
              "name": "toolResults",
              "type": "int",
              "doc": "Answers of tools.",
              "default": 0
             },
             {
              "name": "other",
              "type": "int",
              "doc": "Parts of a kind that is not known here.",
              "default": 0
             }
            ]
           }
          ],
          "doc": "What the conversation holds beside text; null when it is text alone.",
          "default": null
         },
         {
          "name": "contentHash",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
          "default": null
         }
        ]
       }
      ],
      "doc": "Null while only scores have come.",
      "default": null
     },
     {
      "name": "scored",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "StrategyScored",
        "namespace": "quantumrouter",
        "doc": "What one group of strategy threads thinks of one opened request.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "As in the opened request."
         },
         {
          "name": "group",
          "type": "string",
          "doc": "Consumer group that scored."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "ThreadScore",
            "namespace": "quantumrouter",
            "doc": "One strategy on one request. It never draws.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy name."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "SUCCESS or FAILED."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Distribution over the opened candidates, in their order; empty unless SUCCESS."
             },
             {
              "name": "utilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Expected utility per candidate; empty unless SUCCESS."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per candidate, 0..1; empty unless SUCCESS."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the thread is of its utilities; 0..1."
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used, by a learned strategy.",
              "default": null
             },
             {
              "name": "coldStart",
              "type": "boolean",
              "doc": "Whether the learned strategy is still exploring uniformly.",
              "default": false
             }
            ]
           }
          },
          "doc": "Threads of this group, in declared order."
         },
         {
          "name": "scoredAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "Scores so far."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "Collapse's own clock when it first saw anything of this request."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offsets of what has come, by topic or topic/group."
     },
     {
      "name": "lastScoredAtMs",
      "type": "long",
      "doc": "When the last score came, on collapse's clock.",
      "default": 0
     }
    ]
   }
  },
  {
   "id": 1043,
   "schema": {
    "type": "record",
    "name": "PendingRoute",
    "namespace": "quantumrouter",
    "doc": "route-collapse's state of one request: in superposition.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "opened",
      "type": [
       "null",
       {
        "type": "record",
        "name": "RouteOpened",
        "namespace": "quantumrouter",
        "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request; also the id of its decision."
         },
         {
          "name": "sessionId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Session, if any.",
          "default": null
         },
         {
          "name": "tenantId",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tenant, if any.",
          "default": null
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "sessionId, else requestId: the key of every record on the request path."
         },
         {
          "name": "replyTo",
          "type": [
           "null",
           "string"
          ],
          "doc": "Which gateway waits.",
          "default": null
         },
         {
          "name": "openedAtMs",
          "type": "long",
          "doc": "When intake handled it, milliseconds since the epoch."
         },
         {
          "name": "requestedAtMs",
          "type": "long",
          "doc": "When the producer made the request."
         },
         {
          "name": "encoderVersion",
          "type": "string",
          "doc": "Version of the feature encoder."
         },
         {
          "name": "sketch",
          "type": "bytes",
          "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
         },
         {
          "name": "sketchScale",
          "type": "float",
          "doc": "Multiply the int8 sketch by this to get unit norm."
         },
         {
          "name": "handFeatures",
          "type": "bytes",
          "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
         },
         {
          "name": "callerFeatures",
          "type": [
           "null",
           "bytes"
          ],
          "doc": "The caller's own vector, float32 little-endian.",
          "default": null
         },
         {
          "name": "contextFeatures",
          "type": "bytes",
          "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
          "default": ""
         },
         {
          "name": "taskType",
          "type": "string",
          "doc": "Hinted or inferred task type."
         },
         {
          "name": "promptTokens",
          "type": "int",
          "doc": "Estimated or given context size in tokens."
         },
         {
          "name": "candidates",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "Candidate",
            "namespace": "quantumrouter",
            "doc": "A model that may serve the request, with everything small and changing pinned by value.",
            "fields": [
             {
              "name": "model",
              "type": "string",
              "doc": "Model name, unique in the config."
             },
             {
              "name": "provider",
              "type": "string",
              "doc": "Who serves it."
             },
             {
              "name": "eligible",
              "type": "boolean",
              "doc": "Whether limits, capabilities and health allow it."
             },
             {
              "name": "ineligibleReason",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why not, for people.",
              "default": null
             },
             {
              "name": "health",
              "type": {
               "type": "enum",
               "name": "Health",
               "namespace": "quantumrouter",
               "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
               "symbols": [
                "CLOSED",
                "HALF_OPEN",
                "OPEN"
               ]
              },
              "doc": "The worse of the model's and the provider's breaker."
             },
             {
              "name": "expectedCostUsd",
              "type": "double",
              "doc": "Expected cost of one answer at the price in force, in USD."
             },
             {
              "name": "expectedLatencyMs",
              "type": "double",
              "doc": "Expected latency of one answer, in milliseconds."
             },
             {
              "name": "expectedQuality",
              "type": "double",
              "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
             },
             {
              "name": "errorRate",
              "type": "double",
              "doc": "Recent share of failed calls; 0..1."
             },
             {
              "name": "observations",
              "type": "double",
              "doc": "Decayed number of observations behind expectedQuality."
             },
             {
              "name": "priceFactor",
              "type": "double",
              "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
              "default": 1
             },
             {
              "name": "declared",
              "type": [
               "null",
               {
                "type": "record",
                "name": "Declared",
                "namespace": "quantumrouter",
                "doc": "What the configuration says of a model, whatever was observed since.",
                "fields": [
                 {
                  "name": "quality",
                  "type": "double",
                  "doc": "Of its answers to this task type; 0..1."
                 },
                 {
                  "name": "costUsd",
                  "type": "double",
                  "doc": "Of one answer of the declared length at the price in force, in USD."
                 },
                 {
                  "name": "latencyMs",
                  "type": "double",
                  "doc": "Of one answer, in milliseconds."
                 }
                ]
               }
              ],
              "doc": "What the configuration declares; null from before it was pinned.",
              "default": null
             }
            ]
           }
          },
          "doc": "Every configured model, in config order."
         },
         {
          "name": "preference",
          "type": {
           "type": "record",
           "name": "Preference",
           "namespace": "quantumrouter",
           "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
           "fields": [
            {
             "name": "quality",
             "type": "double",
             "doc": "Weight of answer quality."
            },
            {
             "name": "cost",
             "type": "double",
             "doc": "Weight of cost."
            },
            {
             "name": "latency",
             "type": "double",
             "doc": "Weight of latency."
            }
           ]
          },
          "doc": "Resolved preference."
         },
         {
          "name": "limits",
          "type": {
           "type": "record",
           "name": "Limits",
           "namespace": "quantumrouter",
           "doc": "Hard limits; a candidate outside them is not eligible.",
           "fields": [
            {
             "name": "maxCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected cost of one answer, in USD.",
             "default": null
            },
            {
             "name": "maxSessionCostUsd",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
             "default": null
            },
            {
             "name": "maxLatencyMs",
             "type": [
              "null",
              "double"
             ],
             "doc": "Highest expected latency of one answer, in milliseconds.",
             "default": null
            },
            {
             "name": "allowedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these models; empty allows all.",
             "default": []
            },
            {
             "name": "deniedModels",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these models.",
             "default": []
            },
            {
             "name": "allowedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "Only these providers; empty allows all.",
             "default": []
            },
            {
             "name": "deniedProviders",
             "type": {
              "type": "array",
              "items": "string"
             },
             "doc": "None of these providers.",
             "default": []
            }
           ]
          },
          "doc": "Hard limits."
         },
         {
          "name": "strategies",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Strategies asked, in declared order."
         },
         {
          "name": "strategyGroups",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Consumer groups whose scores collapse waits for."
         },
         {
          "name": "collapse",
          "type": "string",
          "doc": "Collapse to apply."
         },
         {
          "name": "threadTimeoutMs",
          "type": "int",
          "doc": "How long collapse waits, from when it first sees this record."
         },
         {
          "name": "explorationFloor",
          "type": "double",
          "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
         },
         {
          "name": "budgetUsdPerRequest",
          "type": [
           "null",
           "double"
          ],
          "doc": "Average spending allowed, in USD per request; null: no budget.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned policy weights in force; null before the first.",
          "default": null
         },
         {
          "name": "basisSha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Learned basis (projection, clusters) the policy belongs to.",
          "default": null
         },
         {
          "name": "tuning",
          "type": {
           "type": "record",
           "name": "Tuning",
           "namespace": "quantumrouter",
           "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
           "fields": [
            {
             "name": "version",
             "type": "long",
             "doc": "Sequence number, growing."
            },
            {
             "name": "learnedRewards",
             "type": "long",
             "doc": "Rewards folded in so far.",
             "default": 0
            },
            {
             "name": "costPricePerUsd",
             "type": "double",
             "doc": "Budget price lambda: utility lost per USD spent."
            },
            {
             "name": "costRatios",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
            },
            {
             "name": "priceFactors",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
             "default": {}
            },
            {
             "name": "driftOffsets",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "Quality offset per model from drift tracking."
            },
            {
             "name": "neuralWeight",
             "type": "double",
             "doc": "Share of the neural half in the value mixture; 0..1."
            },
            {
             "name": "strategyWeights",
             "type": {
              "type": "map",
              "values": "double"
             },
             "doc": "How far COMBINED trusts each strategy; sums to 1.",
             "default": {}
            },
            {
             "name": "eventOffset",
             "type": "long",
             "doc": "Offset of learning.events up to which this holds.",
             "default": -1
            },
            {
             "name": "regretAllowance",
             "type": [
              "null",
              "double"
             ],
             "doc": "Utility one request may be expected to lose against the choice by declared beliefs; below 0 is nothing, null is no limit.",
             "default": null
            }
           ]
          },
          "doc": "Learner's tuning in force, by value."
         },
         {
          "name": "configVersion",
          "type": "long",
          "doc": "Config in force."
         },
         {
          "name": "utilityScale",
          "type": {
           "type": "record",
           "name": "UtilityScale",
           "namespace": "quantumrouter",
           "doc": "What one unit of cost and latency weight means.",
           "fields": [
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
            }
           ]
          },
          "doc": "Scales of the utility function."
         },
         {
          "name": "positions",
          "type": {
           "type": "map",
           "values": "long"
          },
          "doc": "Offset of this request and of each table as intake had read it, by topic."
         },
         {
          "name": "seed",
          "type": "long",
          "doc": "Seed of everything random about this request; below 2^53."
         },
         {
          "name": "cacheFingerprint",
          "type": "string",
          "doc": "Fingerprint of everything the collapsed distribution depends on."
         },
         {
          "name": "cached",
          "type": [
           "null",
           {
            "type": "record",
            "name": "CachedDistribution",
            "namespace": "quantumrouter",
            "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
            "fields": [
             {
              "name": "models",
              "type": {
               "type": "array",
               "items": "string"
              },
              "doc": "Models in the order of probabilities."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Collapsed distribution before limits, health and exploration."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per model."
             },
             {
              "name": "strategy",
              "type": "string",
              "doc": "Leading strategy."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the threads were; 0..1.",
              "default": 0
             },
             {
              "name": "cachedAtMs",
              "type": "long",
              "doc": "When it was written, milliseconds since the epoch."
             }
            ]
           }
          ],
          "doc": "Cached distribution: the only thread, when present.",
          "default": null
         },
         {
          "name": "sessionSpentUsd",
          "type": "double",
          "doc": "Spent in this session so far, in USD.",
          "default": 0
         },
         {
          "name": "sessionRequests",
          "type": "int",
          "doc": "Requests of this session so far.",
          "default": 0
         },
         {
          "name": "sessionLastQuality",
          "type": [
           "null",
           "double"
          ],
          "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
          "default": null
         },
         {
          "name": "intakeMs",
          "type": "double",
          "doc": "Time intake spent on this request, in milliseconds.",
          "default": 0
         },
         {
          "name": "holds",
          "type": [
           "null",
           {
            "type": "record",
            "name": "Holds",
            "namespace": "quantumrouter",
            "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
            "fields": [
             {
              "name": "images",
              "type": "int",
              "doc": "Images.",
              "default": 0
             },
             {
              "name": "audio",
              "type": "int",
              "doc": "Pieces of sound.",
              "default": 0
             },
             {
              "name": "files",
              "type": "int",
              "doc": "Files and documents.",
              "default": 0
             },
             {
              "name": "toolCalls",
              "type": "int",
              "doc": "Calls of tools by the assistant.",
              "default": 0
             },
             {
              "name": "toolResults",
              "type": "int",
              "doc": "Answers of tools.",
              "default": 0
             },
             {
              "name": "other",
              "type": "int",
              "doc": "Parts of a kind that is not known here.",
              "default": 0
             }
            ]
           }
          ],
          "doc": "What the conversation holds beside text; null when it is text alone.",
          "default": null
         },
         {
          "name": "contentHash",
          "type": [
           "null",
           "string"
          ],
          "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
          "default": null
         },
         {
          "name": "priorObservations",
          "type": "double",
          "doc": "Observations of a model on this task type that outweigh what is declared of it.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "Null while only scores have come.",
      "default": null
     },
     {
      "name": "scored",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "StrategyScored",
        "namespace": "quantumrouter",
        "doc": "What one group of strategy threads thinks of one opened request.",
        "fields": [
         {
          "name": "requestId",
          "type": "string",
          "doc": "The request."
         },
         {
          "name": "routingKey",
          "type": "string",
          "doc": "As in the opened request."
         },
         {
          "name": "group",
          "type": "string",
          "doc": "Consumer group that scored."
         },
         {
          "name": "threads",
          "type": {
           "type": "array",
           "items": {
            "type": "record",
            "name": "ThreadScore",
            "namespace": "quantumrouter",
            "doc": "One strategy on one request. It never draws.",
            "fields": [
             {
              "name": "strategy",
              "type": "string",
              "doc": "Strategy name."
             },
             {
              "name": "status",
              "type": {
               "type": "enum",
               "name": "ThreadStatus",
               "namespace": "quantumrouter",
               "doc": "Where a strategy thread ended.",
               "symbols": [
                "PENDING",
                "RUNNING",
                "SUCCESS",
                "FAILED",
                "TIMEOUT"
               ]
              },
              "doc": "SUCCESS or FAILED."
             },
             {
              "name": "probabilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Distribution over the opened candidates, in their order; empty unless SUCCESS."
             },
             {
              "name": "utilities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Expected utility per candidate; empty unless SUCCESS."
             },
             {
              "name": "qualities",
              "type": {
               "type": "array",
               "items": "double"
              },
              "doc": "Predicted quality per candidate, 0..1; empty unless SUCCESS."
             },
             {
              "name": "confidence",
              "type": "double",
              "doc": "How sure the thread is of its utilities; 0..1."
             },
             {
              "name": "durationMs",
              "type": "double",
              "doc": "Time spent, in milliseconds."
             },
             {
              "name": "error",
              "type": [
               "null",
               "string"
              ],
              "doc": "Why it failed.",
              "default": null
             },
             {
              "name": "policySha256",
              "type": [
               "null",
               "string"
              ],
              "doc": "Weights used, by a learned strategy.",
              "default": null
             },
             {
              "name": "coldStart",
              "type": "boolean",
              "doc": "Whether the learned strategy is still exploring uniformly.",
              "default": false
             }
            ]
           }
          },
          "doc": "Threads of this group, in declared order."
         },
         {
          "name": "scoredAtMs",
          "type": "long",
          "doc": "When, milliseconds since the epoch."
         }
        ]
       }
      },
      "doc": "Scores so far."
     },
     {
      "name": "firstSeenMs",
      "type": "long",
      "doc": "Collapse's own clock when it first saw anything of this request."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offsets of what has come, by topic or topic/group."
     },
     {
      "name": "lastScoredAtMs",
      "type": "long",
      "doc": "When the last score came, on collapse's clock.",
      "default": 0
     }
    ]
   }
  }
 ],
 "ProviderProfiles": [
  {
   "id": 1009,
   "schema": {
    "type": "record",
    "name": "ProviderProfiles",
    "namespace": "quantumrouter",
    "doc": "model-profiler's state: one provider, its breaker and its models. Key: provider.",
    "fields": [
     {
      "name": "provider",
      "type": "string",
      "doc": "Provider."
     },
     {
      "name": "breaker",
      "type": {
       "type": "record",
       "name": "Breaker",
       "namespace": "quantumrouter",
       "doc": "A three-state circuit breaker.",
       "fields": [
        {
         "name": "health",
         "type": {
          "type": "enum",
          "name": "Health",
          "namespace": "quantumrouter",
          "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
          "symbols": [
           "CLOSED",
           "HALF_OPEN",
           "OPEN"
          ]
         },
         "doc": "State."
        },
        {
         "name": "failures",
         "type": "double",
         "doc": "Decayed failures in a row."
        },
        {
         "name": "changedAtMs",
         "type": "long",
         "doc": "When it last changed."
        },
        {
         "name": "openings",
         "type": "int",
         "doc": "Openings in a row, for the back-off."
        },
        {
         "name": "probeAtMs",
         "type": [
          "null",
          "long"
         ],
         "doc": "When an OPEN breaker becomes HALF_OPEN.",
         "default": null
        },
        {
         "name": "probesSucceeded",
         "type": "int",
         "doc": "Successful probes while HALF_OPEN."
        }
       ]
      },
      "doc": "The provider's breaker."
     },
     {
      "name": "models",
      "type": {
       "type": "map",
       "values": {
        "type": "record",
        "name": "ModelProfile",
        "namespace": "quantumrouter",
        "doc": "What experience says of one model. Key: model.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Provider."
         },
         {
          "name": "overall",
          "type": {
           "type": "record",
           "name": "DecayedStats",
           "namespace": "quantumrouter",
           "doc": "Exponentially decayed means.",
           "fields": [
            {
             "name": "weight",
             "type": "double",
             "doc": "Decayed number of calls."
            },
            {
             "name": "errorRate",
             "type": "double",
             "doc": "Share of failed calls; 0..1."
            },
            {
             "name": "quality",
             "type": "double",
             "doc": "Mean quality of judged calls; 0..1."
            },
            {
             "name": "qualityWeight",
             "type": "double",
             "doc": "Decayed number of judged calls."
            },
            {
             "name": "latencyMs",
             "type": "double",
             "doc": "Mean latency of successful calls, in milliseconds."
            },
            {
             "name": "latencyWeight",
             "type": "double",
             "doc": "Decayed number of timed calls."
            },
            {
             "name": "costUsd",
             "type": "double",
             "doc": "Mean cost, in USD."
            },
            {
             "name": "costWeight",
             "type": "double",
             "doc": "Decayed number of costed calls."
            },
            {
             "name": "outputTokens",
             "type": "double",
             "doc": "Mean tokens written."
            },
            {
             "name": "outputTokensWeight",
             "type": "double",
             "doc": "Decayed number of calls with known output."
            }
           ]
          },
          "doc": "Over all tasks."
         },
         {
          "name": "tasks",
          "type": {
           "type": "map",
           "values": "quantumrouter.DecayedStats"
          },
          "doc": "Per task type."
         },
         {
          "name": "breaker",
          "type": "quantumrouter.Breaker",
          "doc": "The model's breaker."
         },
         {
          "name": "providerBreaker",
          "type": "quantumrouter.Breaker",
          "doc": "Its provider's breaker."
         },
         {
          "name": "updatedAtMs",
          "type": "long",
          "doc": "When."
         }
        ]
       }
      },
      "doc": "Profiles by model."
     }
    ]
   }
  }
 ],
 "RouteDecided": [
  {
   "id": 1010,
   "schema": {
    "type": "record",
    "name": "RouteDecided",
    "namespace": "quantumrouter",
    "doc": "The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "decisionId",
      "type": "string",
      "doc": "Id of the decision; equal to requestId, since a request has one decision."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tenant, if any.",
      "default": null
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "Echo this as the key of the outcome."
     },
     {
      "name": "model",
      "type": "string",
      "doc": "The model to use."
     },
     {
      "name": "provider",
      "type": "string",
      "doc": "Who serves it."
     },
     {
      "name": "fallbacks",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Fallback",
        "namespace": "quantumrouter",
        "doc": "A model to try next.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Provider."
         }
        ]
       }
      },
      "doc": "In order, other providers first."
     },
     {
      "name": "confidence",
      "type": "double",
      "doc": "How sure the engine is that no candidate is better; 0..1."
     },
     {
      "name": "propensity",
      "type": "double",
      "doc": "Exact probability with which the model was drawn."
     },
     {
      "name": "candidates",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "DecidedCandidate",
        "namespace": "quantumrouter",
        "doc": "What was known of one candidate.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Provider."
         },
         {
          "name": "eligible",
          "type": "boolean",
          "doc": "Whether it could be drawn."
         },
         {
          "name": "ineligibleReason",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why not.",
          "default": null
         },
         {
          "name": "propensity",
          "type": "double",
          "doc": "Exact probability with which it was drawn."
         },
         {
          "name": "predictedQuality",
          "type": "double",
          "doc": "Predicted quality, 0..1."
         },
         {
          "name": "utility",
          "type": "double",
          "doc": "Predicted utility."
         },
         {
          "name": "expectedCostUsd",
          "type": "double",
          "doc": "Expected cost, in USD."
         },
         {
          "name": "expectedLatencyMs",
          "type": "double",
          "doc": "Expected latency, in milliseconds."
         }
        ]
       }
      },
      "doc": "All candidates, in config order; propensities sum to 1."
     },
     {
      "name": "strategy",
      "type": "string",
      "doc": "Leading strategy."
     },
     {
      "name": "collapse",
      "type": "string",
      "doc": "How the threads were made one."
     },
     {
      "name": "threads",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "DecidedThread",
        "namespace": "quantumrouter",
        "doc": "One thread as collapse used it.",
        "fields": [
         {
          "name": "strategy",
          "type": "string",
          "doc": "Strategy."
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "ThreadStatus",
           "namespace": "quantumrouter",
           "doc": "Where a strategy thread ended.",
           "symbols": [
            "PENDING",
            "RUNNING",
            "SUCCESS",
            "FAILED",
            "TIMEOUT"
           ]
          },
          "doc": "TIMEOUT when nothing had come by the deadline."
         },
         {
          "name": "choice",
          "type": [
           "null",
           "string"
          ],
          "doc": "Its most probable model.",
          "default": null
         },
         {
          "name": "score",
          "type": [
           "null",
           "double"
          ],
          "doc": "Its utility for that model.",
          "default": null
         },
         {
          "name": "weight",
          "type": "double",
          "doc": "Its share in the collapsed distribution; 0..1."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Its distribution, in the order of candidates.",
          "default": []
         },
         {
          "name": "durationMs",
          "type": "double",
          "doc": "Time spent, in milliseconds."
         },
         {
          "name": "error",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why it failed.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Weights used.",
          "default": null
         }
        ]
       }
      },
      "doc": "Exactly the threads used, in declared order."
     },
     {
      "name": "reasoning",
      "type": "string",
      "doc": "Why, for a person to read."
     },
     {
      "name": "versions",
      "type": {
       "type": "record",
       "name": "Versions",
       "namespace": "quantumrouter",
       "doc": "Everything large this decision depends on, by version.",
       "fields": [
        {
         "name": "config",
         "type": "long",
         "doc": "Config version."
        },
        {
         "name": "tuning",
         "type": "long",
         "doc": "Tuning version."
        },
        {
         "name": "policySha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Policy weights.",
         "default": null
        },
        {
         "name": "basisSha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Basis weights.",
         "default": null
        },
        {
         "name": "encoder",
         "type": "string",
         "doc": "Feature encoder."
        }
       ]
      },
      "doc": "Versions in force."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed the draw was made with."
     },
     {
      "name": "explorationFloor",
      "type": "double",
      "doc": "Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way."
     },
     {
      "name": "cacheHit",
      "type": "boolean",
      "doc": "Whether the distribution came from the routing cache."
     },
     {
      "name": "degradedTo",
      "type": {
       "type": "enum",
       "name": "Degradation",
       "namespace": "quantumrouter",
       "doc": "How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates.",
       "symbols": [
        "NONE",
        "LAST_GOOD_WEIGHTS",
        "STATIC_STRATEGIES",
        "CHEAPEST_HEALTHY"
       ]
      },
      "doc": "Degradation step."
     },
     {
      "name": "stagesMs",
      "type": {
       "type": "record",
       "name": "StagesMs",
       "namespace": "quantumrouter",
       "doc": "Where the time went, in milliseconds.",
       "fields": [
        {
         "name": "queued",
         "type": "double",
         "doc": "From request to intake."
        },
        {
         "name": "intake",
         "type": "double",
         "doc": "In intake."
        },
        {
         "name": "strategies",
         "type": "double",
         "doc": "From intake to the last score."
        },
        {
         "name": "collapse",
         "type": "double",
         "doc": "From there to the decision."
        },
        {
         "name": "total",
         "type": "double",
         "doc": "From request to decision."
        }
       ]
      },
      "doc": "Time per stage."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offsets of the opened and scored records used, by topic (or topic/group)."
     },
     {
      "name": "decidedAtMs",
      "type": "long",
      "doc": "When, milliseconds since the epoch."
     }
    ]
   }
  },
  {
   "id": 1035,
   "schema": {
    "type": "record",
    "name": "RouteDecided",
    "namespace": "quantumrouter",
    "doc": "The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "decisionId",
      "type": "string",
      "doc": "Id of the decision; equal to requestId, since a request has one decision."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tenant, if any.",
      "default": null
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "Echo this as the key of the outcome."
     },
     {
      "name": "model",
      "type": "string",
      "doc": "The model to use."
     },
     {
      "name": "provider",
      "type": "string",
      "doc": "Who serves it."
     },
     {
      "name": "fallbacks",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Fallback",
        "namespace": "quantumrouter",
        "doc": "A model to try next.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Provider."
         }
        ]
       }
      },
      "doc": "In order, other providers first."
     },
     {
      "name": "confidence",
      "type": "double",
      "doc": "How sure the engine is that no candidate is better; 0..1."
     },
     {
      "name": "propensity",
      "type": "double",
      "doc": "Exact probability with which the model was drawn."
     },
     {
      "name": "candidates",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "DecidedCandidate",
        "namespace": "quantumrouter",
        "doc": "What was known of one candidate.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Provider."
         },
         {
          "name": "eligible",
          "type": "boolean",
          "doc": "Whether it could be drawn."
         },
         {
          "name": "ineligibleReason",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why not.",
          "default": null
         },
         {
          "name": "propensity",
          "type": "double",
          "doc": "Exact probability with which it was drawn."
         },
         {
          "name": "predictedQuality",
          "type": "double",
          "doc": "Predicted quality, 0..1."
         },
         {
          "name": "utility",
          "type": "double",
          "doc": "Predicted utility."
         },
         {
          "name": "expectedCostUsd",
          "type": "double",
          "doc": "Expected cost, in USD."
         },
         {
          "name": "expectedLatencyMs",
          "type": "double",
          "doc": "Expected latency, in milliseconds."
         }
        ]
       }
      },
      "doc": "All candidates, in config order; propensities sum to 1."
     },
     {
      "name": "strategy",
      "type": "string",
      "doc": "Leading strategy."
     },
     {
      "name": "collapse",
      "type": "string",
      "doc": "How the threads were made one."
     },
     {
      "name": "threads",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "DecidedThread",
        "namespace": "quantumrouter",
        "doc": "One thread as collapse used it.",
        "fields": [
         {
          "name": "strategy",
          "type": "string",
          "doc": "Strategy."
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "ThreadStatus",
           "namespace": "quantumrouter",
           "doc": "Where a strategy thread ended.",
           "symbols": [
            "PENDING",
            "RUNNING",
            "SUCCESS",
            "FAILED",
            "TIMEOUT"
           ]
          },
          "doc": "TIMEOUT when nothing had come by the deadline."
         },
         {
          "name": "choice",
          "type": [
           "null",
           "string"
          ],
          "doc": "Its most probable model.",
          "default": null
         },
         {
          "name": "score",
          "type": [
           "null",
           "double"
          ],
          "doc": "Its utility for that model.",
          "default": null
         },
         {
          "name": "weight",
          "type": "double",
          "doc": "Its share in the collapsed distribution; 0..1."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Its distribution, in the order of candidates.",
          "default": []
         },
         {
          "name": "durationMs",
          "type": "double",
          "doc": "Time spent, in milliseconds."
         },
         {
          "name": "error",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why it failed.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Weights used.",
          "default": null
         }
        ]
       }
      },
      "doc": "Exactly the threads used, in declared order."
     },
     {
      "name": "reasoning",
      "type": "string",
      "doc": "Why, for a person to read."
     },
     {
      "name": "versions",
      "type": {
       "type": "record",
       "name": "Versions",
       "namespace": "quantumrouter",
       "doc": "Everything large this decision depends on, by version.",
       "fields": [
        {
         "name": "config",
         "type": "long",
         "doc": "Config version."
        },
        {
         "name": "tuning",
         "type": "long",
         "doc": "Tuning version."
        },
        {
         "name": "policySha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Policy weights.",
         "default": null
        },
        {
         "name": "basisSha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Basis weights.",
         "default": null
        },
        {
         "name": "encoder",
         "type": "string",
         "doc": "Feature encoder."
        }
       ]
      },
      "doc": "Versions in force."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed the draw was made with."
     },
     {
      "name": "explorationFloor",
      "type": "double",
      "doc": "Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way."
     },
     {
      "name": "cacheHit",
      "type": "boolean",
      "doc": "Whether the distribution came from the routing cache."
     },
     {
      "name": "degradedTo",
      "type": {
       "type": "enum",
       "name": "Degradation",
       "namespace": "quantumrouter",
       "doc": "How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates.",
       "symbols": [
        "NONE",
        "LAST_GOOD_WEIGHTS",
        "STATIC_STRATEGIES",
        "CHEAPEST_HEALTHY"
       ]
      },
      "doc": "Degradation step."
     },
     {
      "name": "stagesMs",
      "type": {
       "type": "record",
       "name": "StagesMs",
       "namespace": "quantumrouter",
       "doc": "Where the time went, in milliseconds.",
       "fields": [
        {
         "name": "queued",
         "type": "double",
         "doc": "From request to intake."
        },
        {
         "name": "intake",
         "type": "double",
         "doc": "In intake."
        },
        {
         "name": "strategies",
         "type": "double",
         "doc": "From intake to the last score."
        },
        {
         "name": "collapse",
         "type": "double",
         "doc": "From there to the decision."
        },
        {
         "name": "total",
         "type": "double",
         "doc": "From request to decision."
        }
       ]
      },
      "doc": "Time per stage."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offsets of the opened and scored records used, by topic (or topic/group)."
     },
     {
      "name": "decidedAtMs",
      "type": "long",
      "doc": "When, milliseconds since the epoch."
     },
     {
      "name": "contentHash",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
      "default": null
     }
    ]
   }
  }
 ],
 "RouteOpened": [
  {
   "id": 1011,
   "schema": {
    "type": "record",
    "name": "RouteOpened",
    "namespace": "quantumrouter",
    "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request; also the id of its decision."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tenant, if any.",
      "default": null
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "sessionId, else requestId: the key of every record on the request path."
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When intake handled it, milliseconds since the epoch."
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request."
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "Multiply the int8 sketch by this to get unit norm."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own vector, float32 little-endian.",
      "default": null
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Hinted or inferred task type."
     },
     {
      "name": "promptTokens",
      "type": "int",
      "doc": "Estimated or given context size in tokens."
     },
     {
      "name": "candidates",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Candidate",
        "namespace": "quantumrouter",
        "doc": "A model that may serve the request, with everything small and changing pinned by value.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model name, unique in the config."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "eligible",
          "type": "boolean",
          "doc": "Whether limits, capabilities and health allow it."
         },
         {
          "name": "ineligibleReason",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why not, for people.",
          "default": null
         },
         {
          "name": "health",
          "type": {
           "type": "enum",
           "name": "Health",
           "namespace": "quantumrouter",
           "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
           "symbols": [
            "CLOSED",
            "HALF_OPEN",
            "OPEN"
           ]
          },
          "doc": "The worse of the model's and the provider's breaker."
         },
         {
          "name": "expectedCostUsd",
          "type": "double",
          "doc": "Expected cost of one answer at the price in force, in USD."
         },
         {
          "name": "expectedLatencyMs",
          "type": "double",
          "doc": "Expected latency of one answer, in milliseconds."
         },
         {
          "name": "expectedQuality",
          "type": "double",
          "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
         },
         {
          "name": "errorRate",
          "type": "double",
          "doc": "Recent share of failed calls; 0..1."
         },
         {
          "name": "observations",
          "type": "double",
          "doc": "Decayed number of observations behind expectedQuality."
         },
         {
          "name": "priceFactor",
          "type": "double",
          "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
          "default": 1
         }
        ]
       }
      },
      "doc": "Every configured model, in config order."
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Resolved preference."
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies asked, in declared order."
     },
     {
      "name": "strategyGroups",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Consumer groups whose scores collapse waits for."
     },
     {
      "name": "collapse",
      "type": "string",
      "doc": "Collapse to apply."
     },
     {
      "name": "threadTimeoutMs",
      "type": "int",
      "doc": "How long collapse waits, from when it first sees this record."
     },
     {
      "name": "explorationFloor",
      "type": "double",
      "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
     },
     {
      "name": "budgetUsdPerRequest",
      "type": [
       "null",
       "double"
      ],
      "doc": "Average spending allowed, in USD per request; null: no budget.",
      "default": null
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned policy weights in force; null before the first.",
      "default": null
     },
     {
      "name": "basisSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned basis (projection, clusters) the policy belongs to.",
      "default": null
     },
     {
      "name": "tuning",
      "type": {
       "type": "record",
       "name": "Tuning",
       "namespace": "quantumrouter",
       "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
       "fields": [
        {
         "name": "version",
         "type": "long",
         "doc": "Sequence number, growing."
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in so far.",
         "default": 0
        },
        {
         "name": "costPricePerUsd",
         "type": "double",
         "doc": "Budget price lambda: utility lost per USD spent."
        },
        {
         "name": "costRatios",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
        },
        {
         "name": "driftOffsets",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Quality offset per model from drift tracking."
        },
        {
         "name": "neuralWeight",
         "type": "double",
         "doc": "Share of the neural half in the value mixture; 0..1."
        },
        {
         "name": "strategyWeights",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "How far COMBINED trusts each strategy; sums to 1.",
         "default": {}
        },
        {
         "name": "eventOffset",
         "type": "long",
         "doc": "Offset of learning.events up to which this holds.",
         "default": -1
        }
       ]
      },
      "doc": "Learner's tuning in force, by value."
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Config in force."
     },
     {
      "name": "utilityScale",
      "type": {
       "type": "record",
       "name": "UtilityScale",
       "namespace": "quantumrouter",
       "doc": "What one unit of cost and latency weight means.",
       "fields": [
        {
         "name": "costUsd",
         "type": "double",
         "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
        },
        {
         "name": "latencyMs",
         "type": "double",
         "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
        }
       ]
      },
      "doc": "Scales of the utility function."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offset of this request and of each table as intake had read it, by topic."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed of everything random about this request; below 2^53."
     },
     {
      "name": "cacheFingerprint",
      "type": "string",
      "doc": "Fingerprint of everything the collapsed distribution depends on."
     },
     {
      "name": "cached",
      "type": [
       "null",
       {
        "type": "record",
        "name": "CachedDistribution",
        "namespace": "quantumrouter",
        "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
        "fields": [
         {
          "name": "models",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Models in the order of probabilities."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Collapsed distribution before limits, health and exploration."
         },
         {
          "name": "qualities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Predicted quality per model."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the threads were; 0..1.",
          "default": 0
         },
         {
          "name": "cachedAtMs",
          "type": "long",
          "doc": "When it was written, milliseconds since the epoch."
         }
        ]
       }
      ],
      "doc": "Cached distribution: the only thread, when present.",
      "default": null
     },
     {
      "name": "sessionSpentUsd",
      "type": "double",
      "doc": "Spent in this session so far, in USD.",
      "default": 0
     },
     {
      "name": "sessionRequests",
      "type": "int",
      "doc": "Requests of this session so far.",
      "default": 0
     },
     {
      "name": "intakeMs",
      "type": "double",
      "doc": "Time intake spent on this request, in milliseconds.",
      "default": 0
     }
    ]
   }
  },
  {
   "id": 1025,
   "schema": {
    "type": "record",
    "name": "RouteOpened",
    "namespace": "quantumrouter",
    "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request; also the id of its decision."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tenant, if any.",
      "default": null
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "sessionId, else requestId: the key of every record on the request path."
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When intake handled it, milliseconds since the epoch."
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request."
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "Multiply the int8 sketch by this to get unit norm."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own vector, float32 little-endian.",
      "default": null
     },
     {
      "name": "contextFeatures",
      "type": "bytes",
      "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
      "default": ""
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Hinted or inferred task type."
     },
     {
      "name": "promptTokens",
      "type": "int",
      "doc": "Estimated or given context size in tokens."
     },
     {
      "name": "candidates",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Candidate",
        "namespace": "quantumrouter",
        "doc": "A model that may serve the request, with everything small and changing pinned by value.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model name, unique in the config."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "eligible",
          "type": "boolean",
          "doc": "Whether limits, capabilities and health allow it."
         },
         {
          "name": "ineligibleReason",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why not, for people.",
          "default": null
         },
         {
          "name": "health",
          "type": {
           "type": "enum",
           "name": "Health",
           "namespace": "quantumrouter",
           "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
           "symbols": [
            "CLOSED",
            "HALF_OPEN",
            "OPEN"
           ]
          },
          "doc": "The worse of the model's and the provider's breaker."
         },
         {
          "name": "expectedCostUsd",
          "type": "double",
          "doc": "Expected cost of one answer at the price in force, in USD."
         },
         {
          "name": "expectedLatencyMs",
          "type": "double",
          "doc": "Expected latency of one answer, in milliseconds."
         },
         {
          "name": "expectedQuality",
          "type": "double",
          "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
         },
         {
          "name": "errorRate",
          "type": "double",
          "doc": "Recent share of failed calls; 0..1."
         },
         {
          "name": "observations",
          "type": "double",
          "doc": "Decayed number of observations behind expectedQuality."
         },
         {
          "name": "priceFactor",
          "type": "double",
          "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
          "default": 1
         }
        ]
       }
      },
      "doc": "Every configured model, in config order."
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Resolved preference."
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxSessionCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies asked, in declared order."
     },
     {
      "name": "strategyGroups",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Consumer groups whose scores collapse waits for."
     },
     {
      "name": "collapse",
      "type": "string",
      "doc": "Collapse to apply."
     },
     {
      "name": "threadTimeoutMs",
      "type": "int",
      "doc": "How long collapse waits, from when it first sees this record."
     },
     {
      "name": "explorationFloor",
      "type": "double",
      "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
     },
     {
      "name": "budgetUsdPerRequest",
      "type": [
       "null",
       "double"
      ],
      "doc": "Average spending allowed, in USD per request; null: no budget.",
      "default": null
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned policy weights in force; null before the first.",
      "default": null
     },
     {
      "name": "basisSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned basis (projection, clusters) the policy belongs to.",
      "default": null
     },
     {
      "name": "tuning",
      "type": {
       "type": "record",
       "name": "Tuning",
       "namespace": "quantumrouter",
       "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
       "fields": [
        {
         "name": "version",
         "type": "long",
         "doc": "Sequence number, growing."
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in so far.",
         "default": 0
        },
        {
         "name": "costPricePerUsd",
         "type": "double",
         "doc": "Budget price lambda: utility lost per USD spent."
        },
        {
         "name": "costRatios",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
        },
        {
         "name": "driftOffsets",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Quality offset per model from drift tracking."
        },
        {
         "name": "neuralWeight",
         "type": "double",
         "doc": "Share of the neural half in the value mixture; 0..1."
        },
        {
         "name": "strategyWeights",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "How far COMBINED trusts each strategy; sums to 1.",
         "default": {}
        },
        {
         "name": "eventOffset",
         "type": "long",
         "doc": "Offset of learning.events up to which this holds.",
         "default": -1
        }
       ]
      },
      "doc": "Learner's tuning in force, by value."
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Config in force."
     },
     {
      "name": "utilityScale",
      "type": {
       "type": "record",
       "name": "UtilityScale",
       "namespace": "quantumrouter",
       "doc": "What one unit of cost and latency weight means.",
       "fields": [
        {
         "name": "costUsd",
         "type": "double",
         "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
        },
        {
         "name": "latencyMs",
         "type": "double",
         "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
        }
       ]
      },
      "doc": "Scales of the utility function."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offset of this request and of each table as intake had read it, by topic."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed of everything random about this request; below 2^53."
     },
     {
      "name": "cacheFingerprint",
      "type": "string",
      "doc": "Fingerprint of everything the collapsed distribution depends on."
     },
     {
      "name": "cached",
      "type": [
       "null",
       {
        "type": "record",
        "name": "CachedDistribution",
        "namespace": "quantumrouter",
        "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
        "fields": [
         {
          "name": "models",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Models in the order of probabilities."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Collapsed distribution before limits, health and exploration."
         },
         {
          "name": "qualities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Predicted quality per model."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the threads were; 0..1.",
          "default": 0
         },
         {
          "name": "cachedAtMs",
          "type": "long",
          "doc": "When it was written, milliseconds since the epoch."
         }
        ]
       }
      ],
      "doc": "Cached distribution: the only thread, when present.",
      "default": null
     },
     {
      "name": "sessionSpentUsd",
      "type": "double",
      "doc": "Spent in this session so far, in USD.",
      "default": 0
     },
     {
      "name": "sessionRequests",
      "type": "int",
      "doc": "Requests of this session so far.",
      "default": 0
     },
     {
      "name": "sessionLastQuality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
      "default": null
     },
     {
      "name": "intakeMs",
      "type": "double",
      "doc": "Time intake spent on this request, in milliseconds.",
      "default": 0
     }
    ]
   }
  },
  {
   "id": 1036,
   "schema": {
    "type": "record",
    "name": "RouteOpened",
    "namespace": "quantumrouter",
    "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request; also the id of its decision."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tenant, if any.",
      "default": null
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "sessionId, else requestId: the key of every record on the request path."
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When intake handled it, milliseconds since the epoch."
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request."
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "Multiply the int8 sketch by this to get unit norm."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own vector, float32 little-endian.",
      "default": null
     },
     {
      "name": "contextFeatures",
      "type": "bytes",
      "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
      "default": ""
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Hinted or inferred task type."
     },
     {
      "name": "promptTokens",
      "type": "int",
      "doc": "Estimated or given context size in tokens."
     },
     {
      "name": "candidates",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Candidate",
        "namespace": "quantumrouter",
        "doc": "A model that may serve the request, with everything small and changing pinned by value.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model name, unique in the config."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "eligible",
          "type": "boolean",
          "doc": "Whether limits, capabilities and health allow it."
         },
         {
          "name": "ineligibleReason",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why not, for people.",
          "default": null
         },
         {
          "name": "health",
          "type": {
           "type": "enum",
           "name": "Health",
           "namespace": "quantumrouter",
           "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
           "symbols": [
            "CLOSED",
            "HALF_OPEN",
            "OPEN"
           ]
          },
          "doc": "The worse of the model's and the provider's breaker."
         },
         {
          "name": "expectedCostUsd",
          "type": "double",
          "doc": "Expected cost of one answer at the price in force, in USD."
         },
         {
          "name": "expectedLatencyMs",
          "type": "double",
          "doc": "Expected latency of one answer, in milliseconds."
         },
         {
          "name": "expectedQuality",
          "type": "double",
          "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
         },
         {
          "name": "errorRate",
          "type": "double",
          "doc": "Recent share of failed calls; 0..1."
         },
         {
          "name": "observations",
          "type": "double",
          "doc": "Decayed number of observations behind expectedQuality."
         },
         {
          "name": "priceFactor",
          "type": "double",
          "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
          "default": 1
         }
        ]
       }
      },
      "doc": "Every configured model, in config order."
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Resolved preference."
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxSessionCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies asked, in declared order."
     },
     {
      "name": "strategyGroups",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Consumer groups whose scores collapse waits for."
     },
     {
      "name": "collapse",
      "type": "string",
      "doc": "Collapse to apply."
     },
     {
      "name": "threadTimeoutMs",
      "type": "int",
      "doc": "How long collapse waits, from when it first sees this record."
     },
     {
      "name": "explorationFloor",
      "type": "double",
      "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
     },
     {
      "name": "budgetUsdPerRequest",
      "type": [
       "null",
       "double"
      ],
      "doc": "Average spending allowed, in USD per request; null: no budget.",
      "default": null
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned policy weights in force; null before the first.",
      "default": null
     },
     {
      "name": "basisSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned basis (projection, clusters) the policy belongs to.",
      "default": null
     },
     {
      "name": "tuning",
      "type": {
       "type": "record",
       "name": "Tuning",
       "namespace": "quantumrouter",
       "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
       "fields": [
        {
         "name": "version",
         "type": "long",
         "doc": "Sequence number, growing."
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in so far.",
         "default": 0
        },
        {
         "name": "costPricePerUsd",
         "type": "double",
         "doc": "Budget price lambda: utility lost per USD spent."
        },
        {
         "name": "costRatios",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
        },
        {
         "name": "priceFactors",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
         "default": {}
        },
        {
         "name": "driftOffsets",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Quality offset per model from drift tracking."
        },
        {
         "name": "neuralWeight",
         "type": "double",
         "doc": "Share of the neural half in the value mixture; 0..1."
        },
        {
         "name": "strategyWeights",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "How far COMBINED trusts each strategy; sums to 1.",
         "default": {}
        },
        {
         "name": "eventOffset",
         "type": "long",
         "doc": "Offset of learning.events up to which this holds.",
         "default": -1
        }
       ]
      },
      "doc": "Learner's tuning in force, by value."
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Config in force."
     },
     {
      "name": "utilityScale",
      "type": {
       "type": "record",
       "name": "UtilityScale",
       "namespace": "quantumrouter",
       "doc": "What one unit of cost and latency weight means.",
       "fields": [
        {
         "name": "costUsd",
         "type": "double",
         "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
        },
        {
         "name": "latencyMs",
         "type": "double",
         "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
        }
       ]
      },
      "doc": "Scales of the utility function."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offset of this request and of each table as intake had read it, by topic."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed of everything random about this request; below 2^53."
     },
     {
      "name": "cacheFingerprint",
      "type": "string",
      "doc": "Fingerprint of everything the collapsed distribution depends on."
     },
     {
      "name": "cached",
      "type": [
       "null",
       {
        "type": "record",
        "name": "CachedDistribution",
        "namespace": "quantumrouter",
        "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
        "fields": [
         {
          "name": "models",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Models in the order of probabilities."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Collapsed distribution before limits, health and exploration."
         },
         {
          "name": "qualities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Predicted quality per model."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the threads were; 0..1.",
          "default": 0
         },
         {
          "name": "cachedAtMs",
          "type": "long",
          "doc": "When it was written, milliseconds since the epoch."
         }
        ]
       }
      ],
      "doc": "Cached distribution: the only thread, when present.",
      "default": null
     },
     {
      "name": "sessionSpentUsd",
      "type": "double",
      "doc": "Spent in this session so far, in USD.",
      "default": 0
     },
     {
      "name": "sessionRequests",
      "type": "int",
      "doc": "Requests of this session so far.",
      "default": 0
     },
     {
      "name": "sessionLastQuality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
      "default": null
     },
     {
      "name": "intakeMs",
      "type": "double",
      "doc": "Time intake spent on this request, in milliseconds.",
      "default": 0
     },
     {
      "name": "holds",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Holds",
        "namespace": "quantumrouter",
        "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
        "fields": [
         {
          "name": "images",
          "type": "int",
          "doc": "Images.",
          "default": 0
         },
         {
          "name": "audio",
          "type": "int",
          "doc": "Pieces of sound.",
          "default": 0
         },
         {
          "name": "files",
          "type": "int",
          "doc": "Files and documents.",
          "default": 0
         },
         {
          "name": "toolCalls",
          "type": "int",
          "doc": "Calls of tools by the assistant.",
          "default": 0
         },
         {
          "name": "toolResults",
          "type": "int",
          "doc": "Answers of tools.",
          "default": 0
         },
         {
          "name": "other",
          "type": "int",
          "doc": "Parts of a kind that is not known here.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "What the conversation holds beside text; null when it is text alone.",
      "default": null
     },
     {
      "name": "contentHash",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
      "default": null
     }
    ]
   }
  },
  {
   "id": 1044,
   "schema": {
    "type": "record",
    "name": "RouteOpened",
    "namespace": "quantumrouter",
    "doc": "The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request; also the id of its decision."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Session, if any.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tenant, if any.",
      "default": null
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "sessionId, else requestId: the key of every record on the request path."
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits.",
      "default": null
     },
     {
      "name": "openedAtMs",
      "type": "long",
      "doc": "When intake handled it, milliseconds since the epoch."
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request."
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Version of the feature encoder."
     },
     {
      "name": "sketch",
      "type": "bytes",
      "doc": "Count sketch of the text: 1,024 int8; empty when the caller gave features."
     },
     {
      "name": "sketchScale",
      "type": "float",
      "doc": "Multiply the int8 sketch by this to get unit norm."
     },
     {
      "name": "handFeatures",
      "type": "bytes",
      "doc": "40 hand-made features, float32 little-endian; empty when the caller gave features."
     },
     {
      "name": "callerFeatures",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own vector, float32 little-endian.",
      "default": null
     },
     {
      "name": "contextFeatures",
      "type": "bytes",
      "doc": "Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts.",
      "default": ""
     },
     {
      "name": "taskType",
      "type": "string",
      "doc": "Hinted or inferred task type."
     },
     {
      "name": "promptTokens",
      "type": "int",
      "doc": "Estimated or given context size in tokens."
     },
     {
      "name": "candidates",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Candidate",
        "namespace": "quantumrouter",
        "doc": "A model that may serve the request, with everything small and changing pinned by value.",
        "fields": [
         {
          "name": "model",
          "type": "string",
          "doc": "Model name, unique in the config."
         },
         {
          "name": "provider",
          "type": "string",
          "doc": "Who serves it."
         },
         {
          "name": "eligible",
          "type": "boolean",
          "doc": "Whether limits, capabilities and health allow it."
         },
         {
          "name": "ineligibleReason",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why not, for people.",
          "default": null
         },
         {
          "name": "health",
          "type": {
           "type": "enum",
           "name": "Health",
           "namespace": "quantumrouter",
           "doc": "Circuit breaker state. HALF_OPEN lets a small share of requests probe.",
           "symbols": [
            "CLOSED",
            "HALF_OPEN",
            "OPEN"
           ]
          },
          "doc": "The worse of the model's and the provider's breaker."
         },
         {
          "name": "expectedCostUsd",
          "type": "double",
          "doc": "Expected cost of one answer at the price in force, in USD."
         },
         {
          "name": "expectedLatencyMs",
          "type": "double",
          "doc": "Expected latency of one answer, in milliseconds."
         },
         {
          "name": "expectedQuality",
          "type": "double",
          "doc": "Profile quality for the task type, shrunk towards the model's mean; 0..1."
         },
         {
          "name": "errorRate",
          "type": "double",
          "doc": "Recent share of failed calls; 0..1."
         },
         {
          "name": "observations",
          "type": "double",
          "doc": "Decayed number of observations behind expectedQuality."
         },
         {
          "name": "priceFactor",
          "type": "double",
          "doc": "Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it.",
          "default": 1
         },
         {
          "name": "declared",
          "type": [
           "null",
           {
            "type": "record",
            "name": "Declared",
            "namespace": "quantumrouter",
            "doc": "What the configuration says of a model, whatever was observed since.",
            "fields": [
             {
              "name": "quality",
              "type": "double",
              "doc": "Of its answers to this task type; 0..1."
             },
             {
              "name": "costUsd",
              "type": "double",
              "doc": "Of one answer of the declared length at the price in force, in USD."
             },
             {
              "name": "latencyMs",
              "type": "double",
              "doc": "Of one answer, in milliseconds."
             }
            ]
           }
          ],
          "doc": "What the configuration declares; null from before it was pinned.",
          "default": null
         }
        ]
       }
      },
      "doc": "Every configured model, in config order."
     },
     {
      "name": "preference",
      "type": {
       "type": "record",
       "name": "Preference",
       "namespace": "quantumrouter",
       "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
       "fields": [
        {
         "name": "quality",
         "type": "double",
         "doc": "Weight of answer quality."
        },
        {
         "name": "cost",
         "type": "double",
         "doc": "Weight of cost."
        },
        {
         "name": "latency",
         "type": "double",
         "doc": "Weight of latency."
        }
       ]
      },
      "doc": "Resolved preference."
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxSessionCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies asked, in declared order."
     },
     {
      "name": "strategyGroups",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Consumer groups whose scores collapse waits for."
     },
     {
      "name": "collapse",
      "type": "string",
      "doc": "Collapse to apply."
     },
     {
      "name": "threadTimeoutMs",
      "type": "int",
      "doc": "How long collapse waits, from when it first sees this record."
     },
     {
      "name": "explorationFloor",
      "type": "double",
      "doc": "Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones."
     },
     {
      "name": "budgetUsdPerRequest",
      "type": [
       "null",
       "double"
      ],
      "doc": "Average spending allowed, in USD per request; null: no budget.",
      "default": null
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned policy weights in force; null before the first.",
      "default": null
     },
     {
      "name": "basisSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Learned basis (projection, clusters) the policy belongs to.",
      "default": null
     },
     {
      "name": "tuning",
      "type": {
       "type": "record",
       "name": "Tuning",
       "namespace": "quantumrouter",
       "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
       "fields": [
        {
         "name": "version",
         "type": "long",
         "doc": "Sequence number, growing."
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in so far.",
         "default": 0
        },
        {
         "name": "costPricePerUsd",
         "type": "double",
         "doc": "Budget price lambda: utility lost per USD spent."
        },
        {
         "name": "costRatios",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
        },
        {
         "name": "priceFactors",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
         "default": {}
        },
        {
         "name": "driftOffsets",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Quality offset per model from drift tracking."
        },
        {
         "name": "neuralWeight",
         "type": "double",
         "doc": "Share of the neural half in the value mixture; 0..1."
        },
        {
         "name": "strategyWeights",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "How far COMBINED trusts each strategy; sums to 1.",
         "default": {}
        },
        {
         "name": "eventOffset",
         "type": "long",
         "doc": "Offset of learning.events up to which this holds.",
         "default": -1
        },
        {
         "name": "regretAllowance",
         "type": [
          "null",
          "double"
         ],
         "doc": "Utility one request may be expected to lose against the choice by declared beliefs; below 0 is nothing, null is no limit.",
         "default": null
        }
       ]
      },
      "doc": "Learner's tuning in force, by value."
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Config in force."
     },
     {
      "name": "utilityScale",
      "type": {
       "type": "record",
       "name": "UtilityScale",
       "namespace": "quantumrouter",
       "doc": "What one unit of cost and latency weight means.",
       "fields": [
        {
         "name": "costUsd",
         "type": "double",
         "doc": "Cost at which one unit of cost weight takes one unit of utility, in USD."
        },
        {
         "name": "latencyMs",
         "type": "double",
         "doc": "Latency at which one unit of latency weight takes one unit of utility, in milliseconds."
        }
       ]
      },
      "doc": "Scales of the utility function."
     },
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Offset of this request and of each table as intake had read it, by topic."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed of everything random about this request; below 2^53."
     },
     {
      "name": "cacheFingerprint",
      "type": "string",
      "doc": "Fingerprint of everything the collapsed distribution depends on."
     },
     {
      "name": "cached",
      "type": [
       "null",
       {
        "type": "record",
        "name": "CachedDistribution",
        "namespace": "quantumrouter",
        "doc": "A routing-cache entry: what collapse made of the threads for an equal request before.",
        "fields": [
         {
          "name": "models",
          "type": {
           "type": "array",
           "items": "string"
          },
          "doc": "Models in the order of probabilities."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Collapsed distribution before limits, health and exploration."
         },
         {
          "name": "qualities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Predicted quality per model."
         },
         {
          "name": "strategy",
          "type": "string",
          "doc": "Leading strategy."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the threads were; 0..1.",
          "default": 0
         },
         {
          "name": "cachedAtMs",
          "type": "long",
          "doc": "When it was written, milliseconds since the epoch."
         }
        ]
       }
      ],
      "doc": "Cached distribution: the only thread, when present.",
      "default": null
     },
     {
      "name": "sessionSpentUsd",
      "type": "double",
      "doc": "Spent in this session so far, in USD.",
      "default": 0
     },
     {
      "name": "sessionRequests",
      "type": "int",
      "doc": "Requests of this session so far.",
      "default": 0
     },
     {
      "name": "sessionLastQuality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Quality of the session's last judged answer, 0..1; null when none was.",
      "default": null
     },
     {
      "name": "intakeMs",
      "type": "double",
      "doc": "Time intake spent on this request, in milliseconds.",
      "default": 0
     },
     {
      "name": "holds",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Holds",
        "namespace": "quantumrouter",
        "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
        "fields": [
         {
          "name": "images",
          "type": "int",
          "doc": "Images.",
          "default": 0
         },
         {
          "name": "audio",
          "type": "int",
          "doc": "Pieces of sound.",
          "default": 0
         },
         {
          "name": "files",
          "type": "int",
          "doc": "Files and documents.",
          "default": 0
         },
         {
          "name": "toolCalls",
          "type": "int",
          "doc": "Calls of tools by the assistant.",
          "default": 0
         },
         {
          "name": "toolResults",
          "type": "int",
          "doc": "Answers of tools.",
          "default": 0
         },
         {
          "name": "other",
          "type": "int",
          "doc": "Parts of a kind that is not known here.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "What the conversation holds beside text; null when it is text alone.",
      "default": null
     },
     {
      "name": "contentHash",
      "type": [
       "null",
       "string"
      ],
      "doc": "Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one.",
      "default": null
     },
     {
      "name": "priorObservations",
      "type": "double",
      "doc": "Observations of a model on this task type that outweigh what is declared of it.",
      "default": 0
     }
    ]
   }
  }
 ],
 "RouteOutcome": [
  {
   "id": 1012,
   "schema": {
    "type": "record",
    "name": "RouteOutcome",
    "namespace": "quantumrouter",
    "doc": "What happened when a model was called. Key: the decision's routingKey.",
    "fields": [
     {
      "name": "decisionId",
      "type": "string",
      "doc": "The decision it belongs to."
     },
     {
      "name": "routingKey",
      "type": [
       "null",
       "string"
      ],
      "doc": "routingKey of the decision; decisionId when null.",
      "default": null
     },
     {
      "name": "model",
      "type": "string",
      "doc": "The model really called."
     },
     {
      "name": "attempt",
      "type": "int",
      "doc": "1 for the decided model, 2 and up for fallbacks.",
      "default": 1
     },
     {
      "name": "status",
      "type": {
       "type": "enum",
       "name": "OutcomeStatus",
       "namespace": "quantumrouter",
       "doc": "How the call of the model ended.",
       "symbols": [
        "SUCCESS",
        "FAILURE",
        "TIMEOUT",
        "RATE_LIMITED",
        "CANCELLED"
       ]
      },
      "doc": "How the call ended."
     },
     {
      "name": "latencyMs",
      "type": [
       "null",
       "double"
      ],
      "doc": "Time to the full answer, in milliseconds.",
      "default": null
     },
     {
      "name": "inputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Tokens read.",
      "default": null
     },
     {
      "name": "outputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Tokens written.",
      "default": null
     },
     {
      "name": "costUsd",
      "type": [
       "null",
       "double"
      ],
      "doc": "What it cost, in USD; null when unknown.",
      "default": null
     },
     {
      "name": "quality",
      "type": [
       "null",
       "double"
      ],
      "doc": "How good the answer was, 0..1; null when nobody knows (never read as 0).",
      "default": null
     },
     {
      "name": "rewardParts",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Further parts such as userFeedback, each 0..1.",
      "default": {}
     },
     {
      "name": "source",
      "type": "string",
      "doc": "Who judged: user, judge, test, …",
      "default": "unknown"
     },
     {
      "name": "provisional",
      "type": "boolean",
      "doc": "Whether a better judgement may still come.",
      "default": false
     },
     {
      "name": "revision",
      "type": "int",
      "doc": "0 for the first report of this attempt; a higher one corrects a lower one.",
      "default": 0
     },
     {
      "name": "occurredAtMs",
      "type": "long",
      "doc": "When the answer was complete, milliseconds since the epoch."
     }
    ]
   }
  }
 ],
 "RouteRequested": [
  {
   "id": 1013,
   "schema": {
    "type": "record",
    "name": "RouteRequested",
    "namespace": "quantumrouter",
    "doc": "A request to be routed: here is what is asked, these are my limits. Key: sessionId, else requestId.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "Unique id chosen by the producer; the first request with an id is the only one decided."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Requests of one session share a budget and are handled in order.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "On whose behalf; for reports only.",
      "default": null
     },
     {
      "name": "prompt",
      "type": [
       "null",
       "string"
      ],
      "doc": "The prompt as plain text. Exactly one of prompt, messages and features is given.",
      "default": null
     },
     {
      "name": "messages",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Message",
        "namespace": "quantumrouter",
        "doc": "One turn of a conversation.",
        "fields": [
         {
          "name": "role",
          "type": "string",
          "doc": "Who speaks: system, user, assistant or tool."
         },
         {
          "name": "content",
          "type": "string",
          "doc": "What was said."
         }
        ]
       }
      },
      "doc": "The prompt as a conversation.",
      "default": []
     },
     {
      "name": "features",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own feature vector instead of text: float32, little-endian.",
      "default": null
     },
     {
      "name": "taskHint",
      "type": [
       "null",
       "string"
      ],
      "doc": "What kind of task this is, if the caller knows; else it is inferred from the text.",
      "default": null
     },
     {
      "name": "requiredCapabilities",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Capabilities a candidate must have, for instance vision or tools.",
      "default": []
     },
     {
      "name": "contextTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Size of the context in tokens; estimated from the text when null.",
      "default": null
     },
     {
      "name": "expectedOutputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Expected length of the answer in tokens; learned per task when null.",
      "default": null
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "preference",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Preference",
        "namespace": "quantumrouter",
        "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
        "fields": [
         {
          "name": "quality",
          "type": "double",
          "doc": "Weight of answer quality."
         },
         {
          "name": "cost",
          "type": "double",
          "doc": "Weight of cost."
         },
         {
          "name": "latency",
          "type": "double",
          "doc": "Weight of latency."
         }
        ]
       }
      ],
      "doc": "Soft preference; the configured one when null.",
      "default": null
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies to ask, in order; the configured ones when empty. At most 8.",
      "default": []
     },
     {
      "name": "collapse",
      "type": [
       "null",
       "string"
      ],
      "doc": "How to make one decision of them; the configured way when null.",
      "default": null
     },
     {
      "name": "threadTimeoutMs",
      "type": [
       "null",
       "int"
      ],
      "doc": "How long collapse waits for strategy threads, in milliseconds; the configured time-out when null.",
      "default": null
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits for the decision; copied to the decision's reply-to header.",
      "default": null
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request, milliseconds since the epoch."
     }
    ]
   }
  },
  {
   "id": 1026,
   "schema": {
    "type": "record",
    "name": "RouteRequested",
    "namespace": "quantumrouter",
    "doc": "A request to be routed: here is what is asked, these are my limits. Key: sessionId, else requestId.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "Unique id chosen by the producer; the first request with an id is the only one decided."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Requests of one session share a budget and are handled in order.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "On whose behalf; for reports only.",
      "default": null
     },
     {
      "name": "prompt",
      "type": [
       "null",
       "string"
      ],
      "doc": "The prompt as plain text. Exactly one of prompt, messages and features is given.",
      "default": null
     },
     {
      "name": "messages",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Message",
        "namespace": "quantumrouter",
        "doc": "One turn of a conversation.",
        "fields": [
         {
          "name": "role",
          "type": "string",
          "doc": "Who speaks: system, user, assistant or tool."
         },
         {
          "name": "content",
          "type": "string",
          "doc": "What was said."
         }
        ]
       }
      },
      "doc": "The prompt as a conversation.",
      "default": []
     },
     {
      "name": "features",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own feature vector instead of text: float32, little-endian.",
      "default": null
     },
     {
      "name": "taskHint",
      "type": [
       "null",
       "string"
      ],
      "doc": "What kind of task this is, if the caller knows; else it is inferred from the text.",
      "default": null
     },
     {
      "name": "requiredCapabilities",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Capabilities a candidate must have, for instance vision or tools.",
      "default": []
     },
     {
      "name": "contextTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Size of the context in tokens; estimated from the text when null.",
      "default": null
     },
     {
      "name": "expectedOutputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Expected length of the answer in tokens; learned per task when null.",
      "default": null
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxSessionCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "preference",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Preference",
        "namespace": "quantumrouter",
        "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
        "fields": [
         {
          "name": "quality",
          "type": "double",
          "doc": "Weight of answer quality."
         },
         {
          "name": "cost",
          "type": "double",
          "doc": "Weight of cost."
         },
         {
          "name": "latency",
          "type": "double",
          "doc": "Weight of latency."
         }
        ]
       }
      ],
      "doc": "Soft preference; the configured one when null.",
      "default": null
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies to ask, in order; the configured ones when empty. At most 8.",
      "default": []
     },
     {
      "name": "collapse",
      "type": [
       "null",
       "string"
      ],
      "doc": "How to make one decision of them; the configured way when null.",
      "default": null
     },
     {
      "name": "threadTimeoutMs",
      "type": [
       "null",
       "int"
      ],
      "doc": "How long collapse waits for strategy threads, in milliseconds; the configured time-out when null.",
      "default": null
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits for the decision; copied to the decision's reply-to header.",
      "default": null
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request, milliseconds since the epoch."
     }
    ]
   }
  },
  {
   "id": 1037,
   "schema": {
    "type": "record",
    "name": "RouteRequested",
    "namespace": "quantumrouter",
    "doc": "A request to be routed: here is what is asked, these are my limits. Key: sessionId, else requestId.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "Unique id chosen by the producer; the first request with an id is the only one decided."
     },
     {
      "name": "sessionId",
      "type": [
       "null",
       "string"
      ],
      "doc": "Requests of one session share a budget and are handled in order.",
      "default": null
     },
     {
      "name": "tenantId",
      "type": [
       "null",
       "string"
      ],
      "doc": "On whose behalf; for reports only.",
      "default": null
     },
     {
      "name": "prompt",
      "type": [
       "null",
       "string"
      ],
      "doc": "The prompt as plain text. Exactly one of prompt, messages and features is given.",
      "default": null
     },
     {
      "name": "messages",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "Message",
        "namespace": "quantumrouter",
        "doc": "One turn of a conversation.",
        "fields": [
         {
          "name": "role",
          "type": "string",
          "doc": "Who speaks: system, developer, user, assistant, tool or function."
         },
         {
          "name": "content",
          "type": "string",
          "doc": "What was said, as text; empty for a turn without text."
         }
        ]
       }
      },
      "doc": "The prompt as a conversation.",
      "default": []
     },
     {
      "name": "holds",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Holds",
        "namespace": "quantumrouter",
        "doc": "How much a conversation holds beside text: counts of content parts and of tool calls.",
        "fields": [
         {
          "name": "images",
          "type": "int",
          "doc": "Images.",
          "default": 0
         },
         {
          "name": "audio",
          "type": "int",
          "doc": "Pieces of sound.",
          "default": 0
         },
         {
          "name": "files",
          "type": "int",
          "doc": "Files and documents.",
          "default": 0
         },
         {
          "name": "toolCalls",
          "type": "int",
          "doc": "Calls of tools by the assistant.",
          "default": 0
         },
         {
          "name": "toolResults",
          "type": "int",
          "doc": "Answers of tools.",
          "default": 0
         },
         {
          "name": "other",
          "type": "int",
          "doc": "Parts of a kind that is not known here.",
          "default": 0
         }
        ]
       }
      ],
      "doc": "What the conversation holds beside its text, which alone is routed by; null when it is text alone.",
      "default": null
     },
     {
      "name": "features",
      "type": [
       "null",
       "bytes"
      ],
      "doc": "The caller's own feature vector instead of text: float32, little-endian.",
      "default": null
     },
     {
      "name": "taskHint",
      "type": [
       "null",
       "string"
      ],
      "doc": "What kind of task this is, if the caller knows; else it is inferred from the text.",
      "default": null
     },
     {
      "name": "requiredCapabilities",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Capabilities a candidate must have, for instance vision or tools.",
      "default": []
     },
     {
      "name": "contextTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Size of the context in tokens; estimated from the text when null.",
      "default": null
     },
     {
      "name": "expectedOutputTokens",
      "type": [
       "null",
       "int"
      ],
      "doc": "Expected length of the answer in tokens; learned per task when null.",
      "default": null
     },
     {
      "name": "limits",
      "type": {
       "type": "record",
       "name": "Limits",
       "namespace": "quantumrouter",
       "doc": "Hard limits; a candidate outside them is not eligible.",
       "fields": [
        {
         "name": "maxCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected cost of one answer, in USD.",
         "default": null
        },
        {
         "name": "maxSessionCostUsd",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet.",
         "default": null
        },
        {
         "name": "maxLatencyMs",
         "type": [
          "null",
          "double"
         ],
         "doc": "Highest expected latency of one answer, in milliseconds.",
         "default": null
        },
        {
         "name": "allowedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these models; empty allows all.",
         "default": []
        },
        {
         "name": "deniedModels",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these models.",
         "default": []
        },
        {
         "name": "allowedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Only these providers; empty allows all.",
         "default": []
        },
        {
         "name": "deniedProviders",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "None of these providers.",
         "default": []
        }
       ]
      },
      "doc": "Hard limits."
     },
     {
      "name": "preference",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Preference",
        "namespace": "quantumrouter",
        "doc": "How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0.",
        "fields": [
         {
          "name": "quality",
          "type": "double",
          "doc": "Weight of answer quality."
         },
         {
          "name": "cost",
          "type": "double",
          "doc": "Weight of cost."
         },
         {
          "name": "latency",
          "type": "double",
          "doc": "Weight of latency."
         }
        ]
       }
      ],
      "doc": "Soft preference; the configured one when null.",
      "default": null
     },
     {
      "name": "strategies",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Strategies to ask, in order; the configured ones when empty. At most 8.",
      "default": []
     },
     {
      "name": "collapse",
      "type": [
       "null",
       "string"
      ],
      "doc": "How to make one decision of them; the configured way when null.",
      "default": null
     },
     {
      "name": "threadTimeoutMs",
      "type": [
       "null",
       "int"
      ],
      "doc": "How long collapse waits for strategy threads, in milliseconds; the configured time-out when null.",
      "default": null
     },
     {
      "name": "replyTo",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which gateway waits for the decision; copied to the decision's reply-to header.",
      "default": null
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When the producer made the request, milliseconds since the epoch."
     }
    ]
   }
  }
 ],
 "SchemaVersion": [
  {
   "id": 1021,
   "schema": {
    "type": "record",
    "name": "SchemaVersion",
    "namespace": "quantumrouter",
    "doc": "One version of one message type, shared by every process that knows it, so that others can read what it writes. Key: its id.",
    "fields": [
     {
      "name": "id",
      "type": "int",
      "doc": "The schema id in front of each record."
     },
     {
      "name": "name",
      "type": "string",
      "doc": "Name of the message type."
     },
     {
      "name": "json",
      "type": "string",
      "doc": "The Avro schema as JSON."
     }
    ]
   }
  }
 ],
 "Session": [
  {
   "id": 1014,
   "schema": {
    "type": "record",
    "name": "Session",
    "namespace": "quantumrouter",
    "doc": "route-intake's state of one session.",
    "fields": [
     {
      "name": "sessionId",
      "type": "string",
      "doc": "Session."
     },
     {
      "name": "requests",
      "type": "int",
      "doc": "Requests so far."
     },
     {
      "name": "expectedSpentUsd",
      "type": "double",
      "doc": "Expected spending so far, in USD."
     },
     {
      "name": "lastSeenMs",
      "type": "long",
      "doc": "When last seen."
     }
    ]
   }
  },
  {
   "id": 1027,
   "schema": {
    "type": "record",
    "name": "Session",
    "namespace": "quantumrouter",
    "doc": "route-intake's state of one session.",
    "fields": [
     {
      "name": "sessionId",
      "type": "string",
      "doc": "Session."
     },
     {
      "name": "requests",
      "type": "int",
      "doc": "Requests so far."
     },
     {
      "name": "expectedSpentUsd",
      "type": "double",
      "doc": "Spending so far, in USD: reported costs, and expected ones where nothing was reported yet."
     },
     {
      "name": "lastSeenMs",
      "type": "long",
      "doc": "When last seen."
     },
     {
      "name": "lastQuality",
      "type": [
       "null",
       "double"
      ],
      "doc": "Quality of the last judged answer, 0..1.",
      "default": null
     },
     {
      "name": "awaited",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Expected cost in USD of the newest requests without a reported cost, by decisionId.",
      "default": {}
     },
     {
      "name": "reported",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Newest outcomes taken into account, as decisionId/attempt: a second report of the same attempt adds nothing.",
      "default": []
     }
    ]
   }
  }
 ],
 "StrategyScored": [
  {
   "id": 1015,
   "schema": {
    "type": "record",
    "name": "StrategyScored",
    "namespace": "quantumrouter",
    "doc": "What one group of strategy threads thinks of one opened request.",
    "fields": [
     {
      "name": "requestId",
      "type": "string",
      "doc": "The request."
     },
     {
      "name": "routingKey",
      "type": "string",
      "doc": "As in the opened request."
     },
     {
      "name": "group",
      "type": "string",
      "doc": "Consumer group that scored."
     },
     {
      "name": "threads",
      "type": {
       "type": "array",
       "items": {
        "type": "record",
        "name": "ThreadScore",
        "namespace": "quantumrouter",
        "doc": "One strategy on one request. It never draws.",
        "fields": [
         {
          "name": "strategy",
          "type": "string",
          "doc": "Strategy name."
         },
         {
          "name": "status",
          "type": {
           "type": "enum",
           "name": "ThreadStatus",
           "namespace": "quantumrouter",
           "doc": "Where a strategy thread ended.",
           "symbols": [
            "PENDING",
            "RUNNING",
            "SUCCESS",
            "FAILED",
            "TIMEOUT"
           ]
          },
          "doc": "SUCCESS or FAILED."
         },
         {
          "name": "probabilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Distribution over the opened candidates, in their order; empty unless SUCCESS."
         },
         {
          "name": "utilities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Expected utility per candidate; empty unless SUCCESS."
         },
         {
          "name": "qualities",
          "type": {
           "type": "array",
           "items": "double"
          },
          "doc": "Predicted quality per candidate, 0..1; empty unless SUCCESS."
         },
         {
          "name": "confidence",
          "type": "double",
          "doc": "How sure the thread is of its utilities; 0..1."
         },
         {
          "name": "durationMs",
          "type": "double",
          "doc": "Time spent, in milliseconds."
         },
         {
          "name": "error",
          "type": [
           "null",
           "string"
          ],
          "doc": "Why it failed.",
          "default": null
         },
         {
          "name": "policySha256",
          "type": [
           "null",
           "string"
          ],
          "doc": "Weights used, by a learned strategy.",
          "default": null
         },
         {
          "name": "coldStart",
          "type": "boolean",
          "doc": "Whether the learned strategy is still exploring uniformly.",
          "default": false
         }
        ]
       }
      },
      "doc": "Threads of this group, in declared order."
     },
     {
      "name": "scoredAtMs",
      "type": "long",
      "doc": "When, milliseconds since the epoch."
     }
    ]
   }
  }
 ],
 "TablePosition": [
  {
   "id": 1016,
   "schema": {
    "type": "record",
    "name": "TablePosition",
    "namespace": "quantumrouter",
    "doc": "Input positions that a table's changelog reflects. Key: the reserved key of a changelog.",
    "fields": [
     {
      "name": "positions",
      "type": {
       "type": "map",
       "values": "long"
      },
      "doc": "Next offset to read, by input topic."
     }
    ]
   }
  }
 ],
 "TrainerCheckpoint": [
  {
   "id": 1017,
   "schema": {
    "type": "record",
    "name": "TrainerCheckpoint",
    "namespace": "quantumrouter",
    "doc": "Pointer to the learner's own state. Key: 'current'.",
    "fields": [
     {
      "name": "sha256",
      "type": "string",
      "doc": "Checkpoint blob."
     },
     {
      "name": "eventOffset",
      "type": "long",
      "doc": "One past the last offset of learning.events folded in."
     },
     {
      "name": "replayFromOffset",
      "type": "long",
      "doc": "First offset whose rows the replay may still hold; rows are read again from the log."
     },
     {
      "name": "sequence",
      "type": "long",
      "doc": "Growing."
     },
     {
      "name": "savedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  },
  {
   "id": 1038,
   "schema": {
    "type": "record",
    "name": "TrainerCheckpoint",
    "namespace": "quantumrouter",
    "doc": "Pointer to the learner's own state. Key: 'current'.",
    "fields": [
     {
      "name": "sha256",
      "type": "string",
      "doc": "Checkpoint blob."
     },
     {
      "name": "eventOffset",
      "type": "long",
      "doc": "One past the last offset of learning.events folded in."
     },
     {
      "name": "replayFromOffset",
      "type": "long",
      "doc": "First offset whose rows the replay may still hold; rows are read again from the log."
     },
     {
      "name": "sequence",
      "type": "long",
      "doc": "Growing."
     },
     {
      "name": "savedAtMs",
      "type": "long",
      "doc": "When."
     },
     {
      "name": "skippedOffsets",
      "type": {
       "type": "array",
       "items": "long"
      },
      "doc": "Events of learning.events that made the fold fail: every fold of the log passes them over.",
      "default": []
     }
    ]
   }
  }
 ],
 "Tuning": [
  {
   "id": 1018,
   "schema": {
    "type": "record",
    "name": "Tuning",
    "namespace": "quantumrouter",
    "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
    "fields": [
     {
      "name": "version",
      "type": "long",
      "doc": "Sequence number, growing."
     },
     {
      "name": "learnedRewards",
      "type": "long",
      "doc": "Rewards folded in so far.",
      "default": 0
     },
     {
      "name": "costPricePerUsd",
      "type": "double",
      "doc": "Budget price lambda: utility lost per USD spent."
     },
     {
      "name": "costRatios",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
     },
     {
      "name": "driftOffsets",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Quality offset per model from drift tracking."
     },
     {
      "name": "neuralWeight",
      "type": "double",
      "doc": "Share of the neural half in the value mixture; 0..1."
     },
     {
      "name": "strategyWeights",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "How far COMBINED trusts each strategy; sums to 1.",
      "default": {}
     },
     {
      "name": "eventOffset",
      "type": "long",
      "doc": "Offset of learning.events up to which this holds.",
      "default": -1
     }
    ]
   }
  },
  {
   "id": 1039,
   "schema": {
    "type": "record",
    "name": "Tuning",
    "namespace": "quantumrouter",
    "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
    "fields": [
     {
      "name": "version",
      "type": "long",
      "doc": "Sequence number, growing."
     },
     {
      "name": "learnedRewards",
      "type": "long",
      "doc": "Rewards folded in so far.",
      "default": 0
     },
     {
      "name": "costPricePerUsd",
      "type": "double",
      "doc": "Budget price lambda: utility lost per USD spent."
     },
     {
      "name": "costRatios",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
     },
     {
      "name": "priceFactors",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
      "default": {}
     },
     {
      "name": "driftOffsets",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Quality offset per model from drift tracking."
     },
     {
      "name": "neuralWeight",
      "type": "double",
      "doc": "Share of the neural half in the value mixture; 0..1."
     },
     {
      "name": "strategyWeights",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "How far COMBINED trusts each strategy; sums to 1.",
      "default": {}
     },
     {
      "name": "eventOffset",
      "type": "long",
      "doc": "Offset of learning.events up to which this holds.",
      "default": -1
     }
    ]
   }
  },
  {
   "id": 1045,
   "schema": {
    "type": "record",
    "name": "Tuning",
    "namespace": "quantumrouter",
    "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
    "fields": [
     {
      "name": "version",
      "type": "long",
      "doc": "Sequence number, growing."
     },
     {
      "name": "learnedRewards",
      "type": "long",
      "doc": "Rewards folded in so far.",
      "default": 0
     },
     {
      "name": "costPricePerUsd",
      "type": "double",
      "doc": "Budget price lambda: utility lost per USD spent."
     },
     {
      "name": "costRatios",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
     },
     {
      "name": "priceFactors",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
      "default": {}
     },
     {
      "name": "driftOffsets",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Quality offset per model from drift tracking."
     },
     {
      "name": "neuralWeight",
      "type": "double",
      "doc": "Share of the neural half in the value mixture; 0..1."
     },
     {
      "name": "strategyWeights",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "How far COMBINED trusts each strategy; sums to 1.",
      "default": {}
     },
     {
      "name": "eventOffset",
      "type": "long",
      "doc": "Offset of learning.events up to which this holds.",
      "default": -1
     },
     {
      "name": "regretAllowance",
      "type": [
       "null",
       "double"
      ],
      "doc": "Utility one request may be expected to lose against the choice by declared beliefs; below 0 is nothing, null is no limit.",
      "default": null
     }
    ]
   }
  }
 ],
 "WeightsAnswer": [
  {
   "id": 1028,
   "schema": {
    "type": "record",
    "name": "WeightsAnswer",
    "namespace": "quantumrouter",
    "doc": "What the trainer did about a command. Key: commandId; a command that has an answer is never carried out again.",
    "fields": [
     {
      "name": "commandId",
      "type": "string",
      "doc": "The command."
     },
     {
      "name": "status",
      "type": {
       "type": "enum",
       "name": "WeightsAnswerStatus",
       "namespace": "quantumrouter",
       "doc": "DONE: the policy named is in force. REFUSED: nothing has changed.",
       "symbols": [
        "DONE",
        "REFUSED"
       ]
      },
      "doc": "Whether it was carried out."
     },
     {
      "name": "why",
      "type": "string",
      "doc": "For a person to read: what was done, or why not and what to do."
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "The policy it was about; null where none fits the command.",
      "default": null
     },
     {
      "name": "sequence",
      "type": "long",
      "doc": "Sequence the policy was published under; 0 when refused.",
      "default": 0
     },
     {
      "name": "evidence",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Figures of the gate, where it was asked.",
      "default": {}
     },
     {
      "name": "answeredAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  }
 ],
 "WeightsChunk": [
  {
   "id": 1019,
   "schema": {
    "type": "record",
    "name": "WeightsChunk",
    "namespace": "quantumrouter",
    "doc": "A piece of an immutable blob. Key: sha256/index.",
    "fields": [
     {
      "name": "sha256",
      "type": "string",
      "doc": "Hash of the whole blob."
     },
     {
      "name": "index",
      "type": "int",
      "doc": "0-based."
     },
     {
      "name": "count",
      "type": "int",
      "doc": "Number of chunks."
     },
     {
      "name": "bytes",
      "type": "bytes",
      "doc": "The piece."
     }
    ]
   }
  }
 ],
 "WeightsCommand": [
  {
   "id": 1029,
   "schema": {
    "type": "record",
    "name": "WeightsCommand",
    "namespace": "quantumrouter",
    "doc": "Somebody wants other weights in force. The trainer answers in weights.answers.",
    "fields": [
     {
      "name": "commandId",
      "type": "string",
      "doc": "Unique; a second command of the same id does nothing."
     },
     {
      "name": "kind",
      "type": {
       "type": "enum",
       "name": "WeightsCommandKind",
       "namespace": "quantumrouter",
       "doc": "PROMOTE: put a candidate in force, or go on publishing after a rollback. ROLLBACK: put an earlier policy in force and hold back newer ones until a promotion.",
       "symbols": [
        "PROMOTE",
        "ROLLBACK"
       ]
      },
      "doc": "What is wanted."
     },
     {
      "name": "policySha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Which policy, by its hash or an unambiguous beginning of it; null: the newest candidate, or the policy in force before this one.",
      "default": null
     },
     {
      "name": "force",
      "type": "boolean",
      "doc": "PROMOTE without the gate's consent.",
      "default": false
     },
     {
      "name": "requestedBy",
      "type": "string",
      "doc": "Who wants it; for the record.",
      "default": "unknown"
     },
     {
      "name": "requestedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  }
 ],
 "WeightsPublished": [
  {
   "id": 1020,
   "schema": {
    "type": "record",
    "name": "WeightsPublished",
    "namespace": "quantumrouter",
    "doc": "Pointer to a set of learned weights. Key: 'current'. A rollback is a new, higher sequence; readers ignore lower ones.",
    "fields": [
     {
      "name": "sequence",
      "type": "long",
      "doc": "Growing."
     },
     {
      "name": "policySha256",
      "type": "string",
      "doc": "Policy blob."
     },
     {
      "name": "basisSha256",
      "type": "string",
      "doc": "Basis blob it belongs to."
     },
     {
      "name": "parentSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Policy it was folded from.",
      "default": null
     },
     {
      "name": "learnedRewards",
      "type": "long",
      "doc": "Rewards folded in."
     },
     {
      "name": "fromOffset",
      "type": "long",
      "doc": "First offset of learning.events folded in."
     },
     {
      "name": "toOffset",
      "type": "long",
      "doc": "One past the last offset folded in."
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Encoder."
     },
     {
      "name": "backend",
      "type": "string",
      "doc": "Tensor backend that trained."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed."
     },
     {
      "name": "models",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Models it knows, in head order."
     },
     {
      "name": "metrics",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Evidence: loss, error of both halves, …",
      "default": {}
     },
     {
      "name": "publishedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  },
  {
   "id": 1030,
   "schema": {
    "type": "record",
    "name": "WeightsPublished",
    "namespace": "quantumrouter",
    "doc": "Pointer to a set of learned weights. Key: 'current'. A rollback is a new, higher sequence; readers ignore lower ones.",
    "fields": [
     {
      "name": "sequence",
      "type": "long",
      "doc": "Growing."
     },
     {
      "name": "policySha256",
      "type": "string",
      "doc": "Policy blob."
     },
     {
      "name": "basisSha256",
      "type": "string",
      "doc": "Basis blob it belongs to."
     },
     {
      "name": "parentSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "Policy it was folded from.",
      "default": null
     },
     {
      "name": "learnedRewards",
      "type": "long",
      "doc": "Rewards folded in."
     },
     {
      "name": "fromOffset",
      "type": "long",
      "doc": "First offset of learning.events folded in."
     },
     {
      "name": "toOffset",
      "type": "long",
      "doc": "One past the last offset folded in."
     },
     {
      "name": "encoderVersion",
      "type": "string",
      "doc": "Encoder."
     },
     {
      "name": "backend",
      "type": "string",
      "doc": "Tensor backend that trained."
     },
     {
      "name": "seed",
      "type": "long",
      "doc": "Seed."
     },
     {
      "name": "lineage",
      "type": "string",
      "doc": "What the weights are a function of besides the log: hash of seed, pipeline, encoder, backend; empty before it was recorded.",
      "default": ""
     },
     {
      "name": "reason",
      "type": {
       "type": "enum",
       "name": "PublishReason",
       "namespace": "quantumrouter",
       "doc": "Why weights came into force. FIRST: there were none. INCREMENT: the lineage learned more. PROMOTION: a new lineage passed the gate, or somebody said so. ROLLBACK: somebody, or an alarm, went back.",
       "symbols": [
        "FIRST",
        "INCREMENT",
        "PROMOTION",
        "ROLLBACK"
       ],
       "default": "INCREMENT"
      },
      "doc": "Why these weights came into force.",
      "default": "INCREMENT"
     },
     {
      "name": "models",
      "type": {
       "type": "array",
       "items": "string"
      },
      "doc": "Models it knows, in head order."
     },
     {
      "name": "metrics",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Evidence: loss, error of both halves, …",
      "default": {}
     },
     {
      "name": "publishedAtMs",
      "type": "long",
      "doc": "When."
     }
    ]
   }
  }
 ],
 "WeightsVersion": [
  {
   "id": 1031,
   "schema": {
    "type": "record",
    "name": "WeightsVersion",
    "namespace": "quantumrouter",
    "doc": "One policy the trainer has made, and what became of it. Key: policySha256.",
    "fields": [
     {
      "name": "weights",
      "type": {
       "type": "record",
       "name": "WeightsPublished",
       "namespace": "quantumrouter",
       "doc": "Pointer to a set of learned weights. Key: 'current'. A rollback is a new, higher sequence; readers ignore lower ones.",
       "fields": [
        {
         "name": "sequence",
         "type": "long",
         "doc": "Growing."
        },
        {
         "name": "policySha256",
         "type": "string",
         "doc": "Policy blob."
        },
        {
         "name": "basisSha256",
         "type": "string",
         "doc": "Basis blob it belongs to."
        },
        {
         "name": "parentSha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Policy it was folded from.",
         "default": null
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in."
        },
        {
         "name": "fromOffset",
         "type": "long",
         "doc": "First offset of learning.events folded in."
        },
        {
         "name": "toOffset",
         "type": "long",
         "doc": "One past the last offset folded in."
        },
        {
         "name": "encoderVersion",
         "type": "string",
         "doc": "Encoder."
        },
        {
         "name": "backend",
         "type": "string",
         "doc": "Tensor backend that trained."
        },
        {
         "name": "seed",
         "type": "long",
         "doc": "Seed."
        },
        {
         "name": "lineage",
         "type": "string",
         "doc": "What the weights are a function of besides the log: hash of seed, pipeline, encoder, backend; empty before it was recorded.",
         "default": ""
        },
        {
         "name": "reason",
         "type": {
          "type": "enum",
          "name": "PublishReason",
          "namespace": "quantumrouter",
          "doc": "Why weights came into force. FIRST: there were none. INCREMENT: the lineage learned more. PROMOTION: a new lineage passed the gate, or somebody said so. ROLLBACK: somebody, or an alarm, went back.",
          "symbols": [
           "FIRST",
           "INCREMENT",
           "PROMOTION",
           "ROLLBACK"
          ],
          "default": "INCREMENT"
         },
         "doc": "Why these weights came into force.",
         "default": "INCREMENT"
        },
        {
         "name": "models",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Models it knows, in head order."
        },
        {
         "name": "metrics",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Evidence: loss, error of both halves, …",
         "default": {}
        },
        {
         "name": "publishedAtMs",
         "type": "long",
         "doc": "When."
        }
       ]
      },
      "doc": "The policy with its lineage: log range, seed, encoder, backend, metrics. Its sequence is the last it was published under, 0 when it never was."
     },
     {
      "name": "state",
      "type": {
       "type": "enum",
       "name": "WeightsState",
       "namespace": "quantumrouter",
       "doc": "PUBLISHED: in force once, or still. CANDIDATE: of a new lineage, waiting for evidence. REJECTED: a guard or the gate refused it. ROLLED_BACK: somebody, or an alarm, went back from it.",
       "symbols": [
        "PUBLISHED",
        "CANDIDATE",
        "REJECTED",
        "ROLLED_BACK"
       ]
      },
      "doc": "What became of it."
     },
     {
      "name": "why",
      "type": "string",
      "doc": "For a person to read: what the guard, the gate or the alarm found.",
      "default": ""
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Configuration it was made under.",
      "default": 0
     },
     {
      "name": "evidence",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Figures of the gate or the guard: difference, low, high, effectiveSampleSize, …",
      "default": {}
     },
     {
      "name": "tuning",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Tuning",
        "namespace": "quantumrouter",
        "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
        "fields": [
         {
          "name": "version",
          "type": "long",
          "doc": "Sequence number, growing."
         },
         {
          "name": "learnedRewards",
          "type": "long",
          "doc": "Rewards folded in so far.",
          "default": 0
         },
         {
          "name": "costPricePerUsd",
          "type": "double",
          "doc": "Budget price lambda: utility lost per USD spent."
         },
         {
          "name": "costRatios",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
         },
         {
          "name": "driftOffsets",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Quality offset per model from drift tracking."
         },
         {
          "name": "neuralWeight",
          "type": "double",
          "doc": "Share of the neural half in the value mixture; 0..1."
         },
         {
          "name": "strategyWeights",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "How far COMBINED trusts each strategy; sums to 1.",
          "default": {}
         },
         {
          "name": "eventOffset",
          "type": "long",
          "doc": "Offset of learning.events up to which this holds.",
          "default": -1
         }
        ]
       }
      ],
      "doc": "The learner's tuning when it made the policy: neural weight and drift offsets belong to the weights, and come back with them.",
      "default": null
     },
     {
      "name": "checkpointSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "The learner's state it was written from, where one was kept; going back goes on from there.",
      "default": null
     },
     {
      "name": "changedAtMs",
      "type": "long",
      "doc": "When its state last changed."
     }
    ]
   }
  },
  {
   "id": 1040,
   "schema": {
    "type": "record",
    "name": "WeightsVersion",
    "namespace": "quantumrouter",
    "doc": "One policy the trainer has made, and what became of it. Key: policySha256.",
    "fields": [
     {
      "name": "weights",
      "type": {
       "type": "record",
       "name": "WeightsPublished",
       "namespace": "quantumrouter",
       "doc": "Pointer to a set of learned weights. Key: 'current'. A rollback is a new, higher sequence; readers ignore lower ones.",
       "fields": [
        {
         "name": "sequence",
         "type": "long",
         "doc": "Growing."
        },
        {
         "name": "policySha256",
         "type": "string",
         "doc": "Policy blob."
        },
        {
         "name": "basisSha256",
         "type": "string",
         "doc": "Basis blob it belongs to."
        },
        {
         "name": "parentSha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Policy it was folded from.",
         "default": null
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in."
        },
        {
         "name": "fromOffset",
         "type": "long",
         "doc": "First offset of learning.events folded in."
        },
        {
         "name": "toOffset",
         "type": "long",
         "doc": "One past the last offset folded in."
        },
        {
         "name": "encoderVersion",
         "type": "string",
         "doc": "Encoder."
        },
        {
         "name": "backend",
         "type": "string",
         "doc": "Tensor backend that trained."
        },
        {
         "name": "seed",
         "type": "long",
         "doc": "Seed."
        },
        {
         "name": "lineage",
         "type": "string",
         "doc": "What the weights are a function of besides the log: hash of seed, pipeline, encoder, backend; empty before it was recorded.",
         "default": ""
        },
        {
         "name": "reason",
         "type": {
          "type": "enum",
          "name": "PublishReason",
          "namespace": "quantumrouter",
          "doc": "Why weights came into force. FIRST: there were none. INCREMENT: the lineage learned more. PROMOTION: a new lineage passed the gate, or somebody said so. ROLLBACK: somebody, or an alarm, went back.",
          "symbols": [
           "FIRST",
           "INCREMENT",
           "PROMOTION",
           "ROLLBACK"
          ],
          "default": "INCREMENT"
         },
         "doc": "Why these weights came into force.",
         "default": "INCREMENT"
        },
        {
         "name": "models",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Models it knows, in head order."
        },
        {
         "name": "metrics",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Evidence: loss, error of both halves, …",
         "default": {}
        },
        {
         "name": "publishedAtMs",
         "type": "long",
         "doc": "When."
        }
       ]
      },
      "doc": "The policy with its lineage: log range, seed, encoder, backend, metrics. Its sequence is the last it was published under, 0 when it never was."
     },
     {
      "name": "state",
      "type": {
       "type": "enum",
       "name": "WeightsState",
       "namespace": "quantumrouter",
       "doc": "PUBLISHED: in force once, or still. CANDIDATE: of a new lineage, waiting for evidence. REJECTED: a guard or the gate refused it. ROLLED_BACK: somebody, or an alarm, went back from it.",
       "symbols": [
        "PUBLISHED",
        "CANDIDATE",
        "REJECTED",
        "ROLLED_BACK"
       ]
      },
      "doc": "What became of it."
     },
     {
      "name": "why",
      "type": "string",
      "doc": "For a person to read: what the guard, the gate or the alarm found.",
      "default": ""
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Configuration it was made under.",
      "default": 0
     },
     {
      "name": "evidence",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Figures of the gate or the guard: difference, low, high, effectiveSampleSize, …",
      "default": {}
     },
     {
      "name": "tuning",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Tuning",
        "namespace": "quantumrouter",
        "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
        "fields": [
         {
          "name": "version",
          "type": "long",
          "doc": "Sequence number, growing."
         },
         {
          "name": "learnedRewards",
          "type": "long",
          "doc": "Rewards folded in so far.",
          "default": 0
         },
         {
          "name": "costPricePerUsd",
          "type": "double",
          "doc": "Budget price lambda: utility lost per USD spent."
         },
         {
          "name": "costRatios",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
         },
         {
          "name": "priceFactors",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
          "default": {}
         },
         {
          "name": "driftOffsets",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Quality offset per model from drift tracking."
         },
         {
          "name": "neuralWeight",
          "type": "double",
          "doc": "Share of the neural half in the value mixture; 0..1."
         },
         {
          "name": "strategyWeights",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "How far COMBINED trusts each strategy; sums to 1.",
          "default": {}
         },
         {
          "name": "eventOffset",
          "type": "long",
          "doc": "Offset of learning.events up to which this holds.",
          "default": -1
         }
        ]
       }
      ],
      "doc": "The learner's tuning when it made the policy: neural weight and drift offsets belong to the weights, and come back with them.",
      "default": null
     },
     {
      "name": "checkpointSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "The learner's state it was written from, where one was kept; going back goes on from there.",
      "default": null
     },
     {
      "name": "changedAtMs",
      "type": "long",
      "doc": "When its state last changed."
     }
    ]
   }
  },
  {
   "id": 1046,
   "schema": {
    "type": "record",
    "name": "WeightsVersion",
    "namespace": "quantumrouter",
    "doc": "One policy the trainer has made, and what became of it. Key: policySha256.",
    "fields": [
     {
      "name": "weights",
      "type": {
       "type": "record",
       "name": "WeightsPublished",
       "namespace": "quantumrouter",
       "doc": "Pointer to a set of learned weights. Key: 'current'. A rollback is a new, higher sequence; readers ignore lower ones.",
       "fields": [
        {
         "name": "sequence",
         "type": "long",
         "doc": "Growing."
        },
        {
         "name": "policySha256",
         "type": "string",
         "doc": "Policy blob."
        },
        {
         "name": "basisSha256",
         "type": "string",
         "doc": "Basis blob it belongs to."
        },
        {
         "name": "parentSha256",
         "type": [
          "null",
          "string"
         ],
         "doc": "Policy it was folded from.",
         "default": null
        },
        {
         "name": "learnedRewards",
         "type": "long",
         "doc": "Rewards folded in."
        },
        {
         "name": "fromOffset",
         "type": "long",
         "doc": "First offset of learning.events folded in."
        },
        {
         "name": "toOffset",
         "type": "long",
         "doc": "One past the last offset folded in."
        },
        {
         "name": "encoderVersion",
         "type": "string",
         "doc": "Encoder."
        },
        {
         "name": "backend",
         "type": "string",
         "doc": "Tensor backend that trained."
        },
        {
         "name": "seed",
         "type": "long",
         "doc": "Seed."
        },
        {
         "name": "lineage",
         "type": "string",
         "doc": "What the weights are a function of besides the log: hash of seed, pipeline, encoder, backend; empty before it was recorded.",
         "default": ""
        },
        {
         "name": "reason",
         "type": {
          "type": "enum",
          "name": "PublishReason",
          "namespace": "quantumrouter",
          "doc": "Why weights came into force. FIRST: there were none. INCREMENT: the lineage learned more. PROMOTION: a new lineage passed the gate, or somebody said so. ROLLBACK: somebody, or an alarm, went back.",
          "symbols": [
           "FIRST",
           "INCREMENT",
           "PROMOTION",
           "ROLLBACK"
          ],
          "default": "INCREMENT"
         },
         "doc": "Why these weights came into force.",
         "default": "INCREMENT"
        },
        {
         "name": "models",
         "type": {
          "type": "array",
          "items": "string"
         },
         "doc": "Models it knows, in head order."
        },
        {
         "name": "metrics",
         "type": {
          "type": "map",
          "values": "double"
         },
         "doc": "Evidence: loss, error of both halves, …",
         "default": {}
        },
        {
         "name": "publishedAtMs",
         "type": "long",
         "doc": "When."
        }
       ]
      },
      "doc": "The policy with its lineage: log range, seed, encoder, backend, metrics. Its sequence is the last it was published under, 0 when it never was."
     },
     {
      "name": "state",
      "type": {
       "type": "enum",
       "name": "WeightsState",
       "namespace": "quantumrouter",
       "doc": "PUBLISHED: in force once, or still. CANDIDATE: of a new lineage, waiting for evidence. REJECTED: a guard or the gate refused it. ROLLED_BACK: somebody, or an alarm, went back from it.",
       "symbols": [
        "PUBLISHED",
        "CANDIDATE",
        "REJECTED",
        "ROLLED_BACK"
       ]
      },
      "doc": "What became of it."
     },
     {
      "name": "why",
      "type": "string",
      "doc": "For a person to read: what the guard, the gate or the alarm found.",
      "default": ""
     },
     {
      "name": "configVersion",
      "type": "long",
      "doc": "Configuration it was made under.",
      "default": 0
     },
     {
      "name": "evidence",
      "type": {
       "type": "map",
       "values": "double"
      },
      "doc": "Figures of the gate or the guard: difference, low, high, effectiveSampleSize, …",
      "default": {}
     },
     {
      "name": "tuning",
      "type": [
       "null",
       {
        "type": "record",
        "name": "Tuning",
        "namespace": "quantumrouter",
        "doc": "Small, fast-changing output of the learner; pinned by value in every opened request.",
        "fields": [
         {
          "name": "version",
          "type": "long",
          "doc": "Sequence number, growing."
         },
         {
          "name": "learnedRewards",
          "type": "long",
          "doc": "Rewards folded in so far.",
          "default": 0
         },
         {
          "name": "costPricePerUsd",
          "type": "double",
          "doc": "Budget price lambda: utility lost per USD spent."
         },
         {
          "name": "costRatios",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now."
         },
         {
          "name": "priceFactors",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there.",
          "default": {}
         },
         {
          "name": "driftOffsets",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "Quality offset per model from drift tracking."
         },
         {
          "name": "neuralWeight",
          "type": "double",
          "doc": "Share of the neural half in the value mixture; 0..1."
         },
         {
          "name": "strategyWeights",
          "type": {
           "type": "map",
           "values": "double"
          },
          "doc": "How far COMBINED trusts each strategy; sums to 1.",
          "default": {}
         },
         {
          "name": "eventOffset",
          "type": "long",
          "doc": "Offset of learning.events up to which this holds.",
          "default": -1
         },
         {
          "name": "regretAllowance",
          "type": [
           "null",
           "double"
          ],
          "doc": "Utility one request may be expected to lose against the choice by declared beliefs; below 0 is nothing, null is no limit.",
          "default": null
         }
        ]
       }
      ],
      "doc": "The learner's tuning when it made the policy: neural weight and drift offsets belong to the weights, and come back with them.",
      "default": null
     },
     {
      "name": "checkpointSha256",
      "type": [
       "null",
       "string"
      ],
      "doc": "The learner's state it was written from, where one was kept; going back goes on from there.",
      "default": null
     },
     {
      "name": "changedAtMs",
      "type": "long",
      "doc": "When its state last changed."
     }
    ]
   }
  }
 ]
};
