"""All that the doctor may find.

Codes by their first digit: 0 project, 1 start, 2 settings, 3 messaging, 4 workers, 5 layers, 6 AWS.
"""

from __future__ import annotations

from blackcat.domain.findings import Rule, Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

REGISTRY_DOES_NOT_LOAD = Rule(
    code="BC001",
    severity=_ERROR,
    title="The registry does not load",
    why="every service of the project imports it first, so none of them starts",
    mend="mend the line that is named and run `blackcat doctor` again: the other checks need the registry",
)
NO_SERVICES = Rule(
    code="BC002",
    severity=_WARNING,
    title="The registry is empty",
    why="there is nothing that could run",
    mend="add one: blackcat generate-service NAME --type consumer",
)
PYTHON_UNTESTED = Rule(
    code="BC003",
    severity=_WARNING,
    title="This Python is not one that Blackcat is tested on",
    why="what works here may fail in another place, or the other way round",
    mend="run it on a Python from 3.10 to 3.14",
)
CHECK_FAILED = Rule(
    code="BC009",
    severity=_ERROR,
    title="A check failed itself",
    why="what it would have found is not known",
    mend="this is a defect of Blackcat: report it with the text above",
)

ENTRYPOINT_DOES_NOT_LOAD = Rule(
    code="BC101",
    severity=_ERROR,
    title="A service's code does not load, or is not what its type needs",
    why="the service exits with status 78 as soon as it is started",
    mend="mend what is named, or the import string in services/__init__.py",
)
NOT_INJECTED = Rule(
    code="BC102",
    severity=_ERROR,
    title="The container does not give what a service needs",
    why="everything is resolved at start, so the service exits with status 78",
    mend="register the type in the container, or take the parameter away",
)
CONTAINER_FAILS = Rule(
    code="BC103",
    severity=_ERROR,
    title="The container cannot be opened or closed",
    why="every service opens it first, so none of them starts",
    mend="mend what is named: the container is built as at start, with the settings of this environment",
)
START_FAILS = Rule(
    code="BC104",
    severity=_ERROR,
    title="A service's own code fails while it is built",
    why="the service ends with status 1 before it takes its first message or request",
    mend="mend what is named; what may fail at run time belongs into the call, not into the constructor",
)

SETTING_WRONG = Rule(
    code="BC201",
    severity=_ERROR,
    title="A setting is missing or wrong",
    why="whatever builds these settings exits with status 78 at start",
    mend="set it in the environment, in .env.{ENVIRONMENT} or in .env; `blackcat config` shows them all",
)
WAIT_BEYOND_BUDGET = Rule(
    code="BC202",
    severity=_ERROR,
    title="The long poll does not fit into the shutdown budget",
    why="a poll is never cut off, so consumers refuse to start with these settings",
    mend="set CONSUMER_WAIT_SECONDS lower, or SHUTDOWN_TIMEOUT_SECONDS higher",
)
WAIT_LEAVES_NO_TIME = Rule(
    code="BC203",
    severity=_WARNING,
    title="After the last poll no time is left to give messages back",
    why="what the last poll brings stays hidden for its whole visibility timeout at each deployment",
    mend="leave 2 seconds or more between CONSUMER_WAIT_SECONDS and SHUTDOWN_TIMEOUT_SECONDS",
)
DRY_RUN_CONSUMER = Rule(
    code="BC204",
    severity=_ERROR,
    title="AWS_DRY_RUN is set, and a consumer is to run",
    why="consumers refuse it: what they receive without deleting would end in the dead-letter queue",
    mend="unset AWS_DRY_RUN here; try a handler with `blackcat invoke SERVICE BODY`",
)
BUDGET_BEYOND_PLATFORM = Rule(
    code="BC205",
    severity=_INFO,
    title="The shutdown budget is longer than platforms wait unless told",
    why="ECS and Kubernetes kill a container 30 seconds after SIGTERM: handlers would be cut off",
    mend="set stopTimeout (ECS, up to 120) or terminationGracePeriodSeconds above SHUTDOWN_TIMEOUT_SECONDS",
)
NAME_TOO_LONG_WITH_PREFIX = Rule(
    code="BC206",
    severity=_ERROR,
    title="With RESOURCE_PREFIX a resource's name is one that AWS refuses",
    why="services that use it exit with status 78 in this environment",
    mend="shorten RESOURCE_PREFIX or the resource's name",
)

VISIBILITY_ZERO = Rule(
    code="BC301",
    severity=_ERROR,
    title="A consumed queue hides nothing",
    why="each message would be received again while it is handled, so its consumer refuses to start",
    mend="give the queue a visibility_timeout of 30 seconds or more",
)
VISIBILITY_SHORT = Rule(
    code="BC302",
    severity=_WARNING,
    title="A visibility timeout that one slow call outlasts",
    why="leases are extended when half of it is gone; one call that is slow or tried again, and the message "
    "is received twice",
    mend="give the queue a visibility_timeout of 30 seconds or more: it need not cover the handling time",
)
VISIBILITY_BEYOND_HANDLING = Rule(
    code="BC303",
    severity=_WARNING,
    title="A visibility timeout longer than CONSUMER_MAX_HANDLING_SECONDS",
    why="leases are extended while a handler works; a longer timeout only hides the messages of a process "
    "that died, for all that time, and holds up their FIFO groups",
    mend="set the queue's visibility_timeout to a minute or so, or raise CONSUMER_MAX_HANDLING_SECONDS",
)
RETENTION_WITHIN_RETRIES = Rule(
    code="BC304",
    severity=_WARNING,
    title="Messages may expire while they are retried",
    why="SQS drops what is older than the retention, also on its way to the dead-letter queue: it is lost",
    mend="raise the queue's retention, or lower max_receive_count or the service's RetryPolicy",
)
DELAY_BEYOND_RETENTION = Rule(
    code="BC305",
    severity=_ERROR,
    title="A delay as long as the retention",
    why="each message expires before it can be received",
    mend="give the queue a retention longer than its delay",
)
NO_DEAD_LETTER_QUEUE = Rule(
    code="BC306",
    severity=_WARNING,
    title="A consumed queue has no dead-letter queue",
    why="what cannot be handled comes back until it expires and is lost; in a FIFO queue it stops its group",
    mend="give the queue a max_receive_count, such as 5",
)
ONE_RECEIVE = Rule(
    code="BC307",
    severity=_WARNING,
    title="The first receive is the last one",
    why="nothing is ever retried, and a message that a deployment gives back is dead-lettered unhandled",
    mend="give the queue a max_receive_count of 3 or more",
)
DEAD_LETTER_QUEUE_DECLARED = Rule(
    code="BC308",
    severity=_WARNING,
    title="A declared queue is the dead-letter queue of another one",
    why="two declarations give it different attributes: which of them holds depends on their order",
    mend="rename it; to look into dead letters use `blackcat dlq`",
)
LOOKS_LIKE_FIFO = Rule(
    code="BC309",
    severity=_WARNING,
    title="A name that says FIFO and is not",
    why="only '.fifo' at the end makes a FIFO queue or topic: this one keeps no order and repeats messages",
    mend="end the name with '.fifo', or choose another one",
)
STANDARD_TOPIC_TO_FIFO_QUEUE = Rule(
    code="BC311",
    severity=_ERROR,
    title="A FIFO queue subscribes to a standard topic",
    why="SNS refuses the subscription",
    mend="make both FIFO, or both standard",
)
FIFO_TOPIC_TO_STANDARD_QUEUE = Rule(
    code="BC312",
    severity=_WARNING,
    title="A standard queue subscribes to a FIFO topic",
    why="the order and the deduplication that the topic pays for end at this queue",
    mend="end the queue's name with '.fifo', unless the order does not matter here",
)
SUBSCRIPTIONS_DIFFER = Rule(
    code="BC313",
    severity=_ERROR,
    title="One queue subscribes to one topic in two ways",
    why="SNS keeps one subscription for a topic and a queue: whichever is written last holds",
    mend="declare the subscription once, or give each service a queue of its own",
)
QUEUE_SHARED = Rule(
    code="BC314",
    severity=_WARNING,
    title="Several services consume one queue",
    why="each message reaches one of them only, by chance",
    mend="give each service a queue of its own; to share an event, subscribe each queue to its topic",
)
QUEUE_WITHOUT_SENDER = Rule(
    code="BC315",
    severity=_INFO,
    title="Nobody in this project sends to a consumed queue",
    why="its consumer waits for messages that must come from elsewhere",
    mend="nothing, when another project sends; otherwise grant it to the sender: uses=[queue.send()]",
)
QUEUE_WITHOUT_CONSUMER = Rule(
    code="BC316",
    severity=_INFO,
    title="Nobody in this project consumes a queue that is sent to",
    why="its messages expire after the retention unless another project takes them",
    mend="nothing, when another project consumes it; otherwise add its consumer",
)

WORKER_WITHOUT_SCHEDULE = Rule(
    code="BC401",
    severity=_INFO,
    title="A worker has no schedule",
    why="it runs only when somebody starts it",
    mend="nothing, when that is meant; otherwise give it a schedule, such as 'rate(5 minutes)'",
)
LAYER_BROKEN = Rule(
    code="BC501",
    severity=_WARNING,
    title="An inner layer imports an outer one",
    why="the rules and use cases can no longer be tested, or reused, without what surrounds them",
    mend="turn it round: declare a port (a Protocol) in the inner layer and implement it in infra",
)
CONTRACT_BROKEN = Rule(
    code="BC502",
    severity=_ERROR,
    title="A contract of import-linter is broken",
    why="the project's own rule on who may import whom does not hold",
    mend="run `lint-imports`, which names each import, and turn them round",
)
SOURCE_DOES_NOT_PARSE = Rule(
    code="BC503",
    severity=_ERROR,
    title="A file of the project is not Python",
    why="whatever imports it fails",
    mend="mend the line that is named",
)

AWS_DOES_NOT_ANSWER = Rule(
    code="BC601",
    severity=_ERROR,
    title="AWS cannot be asked",
    why="services fail in the same way; nothing else of AWS can be checked",
    mend="check AWS_REGION, AWS_ENDPOINT_URL, AWS_PROFILE, the credentials and the network",
)
PERMISSION_MISSING = Rule(
    code="BC602",
    severity=_ERROR,
    title="The present role lacks a permission that a service needs",
    why="the service's calls are refused: it cannot start, or fails message by message",
    mend="add the actions for this resource to the role's policy",
)
QUEUE_MISSING = Rule(
    code="BC611",
    severity=_ERROR,
    title="A queue does not exist",
    why="its consumer cannot start, and senders fail",
    mend="deploy it, or check region, account and RESOURCE_PREFIX",
)
REDRIVE_MISSING = Rule(
    code="BC612",
    severity=_ERROR,
    title="A queue has no redrive policy",
    why="what cannot be handled comes back until it expires and is lost",
    mend="set its RedrivePolicy as declared",
)
REDRIVE_DIFFERS = Rule(
    code="BC613",
    severity=_WARNING,
    title="A redrive policy is not as declared",
    why="dead letters go elsewhere, or come sooner or later, than the project says",
    mend="deploy the declaration, or change it to what is wanted",
)
REDRIVE_NOT_ALLOWED = Rule(
    code="BC614",
    severity=_ERROR,
    title="A dead-letter queue does not take a queue's messages",
    why="its RedriveAllowPolicy shuts the source out: what cannot be handled comes back until it expires",
    mend="add the source queue's ARN to the dead-letter queue's RedriveAllowPolicy",
)
DEAD_LETTERS_EXPIRE_EARLY = Rule(
    code="BC615",
    severity=_WARNING,
    title="A dead-letter queue keeps messages no longer than its source",
    why="a dead letter's age counts from its first sending: it may expire before anybody sees it",
    mend="set the dead-letter queue's retention to 14 days",
)
QUEUE_DIFFERS = Rule(
    code="BC616",
    severity=_WARNING,
    title="A queue's attribute is not as declared",
    why="what was tested is not what runs",
    mend="deploy the declaration, or change it to what is wanted",
)
DEDUPLICATION_DIFFERS = Rule(
    code="BC617",
    severity=_ERROR,
    title="Content-based deduplication is not as declared",
    why="without it, sends that carry no deduplication_id are refused; with it, equal messages are dropped",
    mend="deploy the declaration, or change it to what is wanted",
)
QUEUE_NOT_ENCRYPTED = Rule(
    code="BC618",
    severity=_WARNING,
    title="A queue is not encrypted",
    why="its messages lie on disk as they are; SSE-SQS costs nothing",
    mend="set SqsManagedSseEnabled to true, or KmsMasterKeyId to a key of yours",
)
KEY_SHUTS_OUT_FEEDERS = Rule(
    code="BC619",
    severity=_ERROR,
    title="SNS or EventBridge cannot use the key of a queue that it feeds",
    why="the policy of AWS's own key (alias/aws/sqs) lets no other service in: messages are dropped unseen",
    mend="use SSE-SQS, or a key of yours whose policy lets sns.amazonaws.com or events.amazonaws.com use it",
)
TOPIC_MISSING = Rule(
    code="BC631",
    severity=_ERROR,
    title="A topic does not exist",
    why="publishing to it fails, and its subscribers receive nothing",
    mend="deploy it, or check region, account and RESOURCE_PREFIX",
)
SUBSCRIPTION_MISSING = Rule(
    code="BC632",
    severity=_ERROR,
    title="A queue is not subscribed to its topic",
    why="the consumer never sees the topic's messages, and nothing fails that would tell",
    mend="deploy the subscription",
)
SUBSCRIPTION_PENDING = Rule(
    code="BC633",
    severity=_ERROR,
    title="A subscription waits to be confirmed",
    why="until then the queue receives nothing of the topic",
    mend="confirm it, or subscribe from the queue's own account, which needs no confirmation",
)
RAW_DELIVERY_DIFFERS = Rule(
    code="BC634",
    severity=_WARNING,
    title="Raw delivery is not as declared",
    why="Blackcat's handlers see the same either way, other readers of the queue do not",
    mend="deploy the declaration, or change it to what is wanted",
)
FILTER_DIFFERS = Rule(
    code="BC635",
    severity=_ERROR,
    title="A subscription's filter policy is not as declared",
    why="the consumer misses messages, or gets unexpected ones, and nothing fails that would tell",
    mend="deploy the declaration, or change it to what is wanted",
)
TOPIC_MAY_NOT_SEND = Rule(
    code="BC636",
    severity=_ERROR,
    title="A queue's policy does not let its topic send",
    why="SNS drops every message for this queue",
    mend="let sns.amazonaws.com sqs:SendMessage to the queue, with the topic as aws:SourceArn",
)
TABLE_MISSING = Rule(
    code="BC641",
    severity=_ERROR,
    title="A table does not exist",
    why="every read and write fails",
    mend="deploy it, or check region, account and RESOURCE_PREFIX",
)
TABLE_NOT_READY = Rule(
    code="BC642",
    severity=_ERROR,
    title="A table or index cannot be used now",
    why="reads and writes fail until it is active",
    mend="wait when it is being created; otherwise look at it in AWS's console",
)
KEYS_DIFFER = Rule(
    code="BC643",
    severity=_ERROR,
    title="The keys of a table or index are not as declared",
    why="AWS refuses reads and writes with other keys; they cannot be changed afterwards",
    mend="declare what exists, or create it anew under another name and move the items",
)
INDEX_MISSING = Rule(
    code="BC644",
    severity=_ERROR,
    title="An index does not exist",
    why="queries on it fail",
    mend="add the global secondary index to the table",
)
INDEX_PROJECTS_LESS = Rule(
    code="BC645",
    severity=_WARNING,
    title="An index does not hold whole items",
    why="queries on it give items without the attributes that it leaves out",
    mend="create the index anew with the projection ALL",
)
BILLING_DIFFERS = Rule(
    code="BC646",
    severity=_WARNING,
    title="A table is not billed per request",
    why="beyond its provisioned capacity calls are throttled, and unused capacity is paid for",
    mend="set its billing mode to PAY_PER_REQUEST, or keep it with autoscaling on purpose",
)
TIME_TO_LIVE_DIFFERS = Rule(
    code="BC647",
    severity=_WARNING,
    title="A table's time to live is not as declared",
    why="items stay that should expire, or are removed that should stay, and nothing fails that would tell",
    mend="deploy the declaration, or change it to what is wanted",
)
BUS_MISSING = Rule(
    code="BC651",
    severity=_ERROR,
    title="An event bus does not exist",
    why="putting events on it fails, and its rules deliver nothing",
    mend="deploy it, or check region, account and RESOURCE_PREFIX",
)
RULE_MISSING = Rule(
    code="BC652",
    severity=_ERROR,
    title="An event bus has no rule for a queue",
    why="the consumer never sees the bus's events, and nothing fails that would tell",
    mend="deploy the rule",
)
RULE_DISABLED = Rule(
    code="BC653",
    severity=_ERROR,
    title="A rule of an event bus is disabled",
    why="events that match meanwhile never reach its queue, also not when it is enabled again",
    mend="enable it; while it is off on purpose, nothing",
)
PATTERN_DIFFERS = Rule(
    code="BC654",
    severity=_ERROR,
    title="A rule's pattern is not as declared",
    why="the consumer misses events, or gets unexpected ones, and nothing fails that would tell",
    mend="deploy the declaration, or change it to what is wanted",
)
TARGET_DIFFERS = Rule(
    code="BC655",
    severity=_ERROR,
    title="A rule does not deliver the events themselves to its queue",
    why="the consumer receives nothing, or bodies that are no events",
    mend="make the queue a target of the rule, without Input, InputPath and InputTransformer",
)
RULE_MAY_NOT_SEND = Rule(
    code="BC656",
    severity=_ERROR,
    title="A queue's policy does not let its rule send",
    why="EventBridge drops every event for this queue",
    mend="let events.amazonaws.com sqs:SendMessage to the queue, with the rule as aws:SourceArn",
)
SECRET_MISSING = Rule(
    code="BC661",
    severity=_ERROR,
    title="A secret does not exist",
    why="whatever reads it fails",
    mend="create it, or check its name, region, account and RESOURCE_PREFIX",
)
SECRET_GOES = Rule(
    code="BC662",
    severity=_ERROR,
    title="A secret is scheduled for deletion",
    why="it cannot be read any more, and is gone for good when that time has come",
    mend="restore it (aws secretsmanager restore-secret), or name another one",
)

RULES = {rule.code: rule for rule in tuple(globals().values()) if isinstance(rule, Rule)}
