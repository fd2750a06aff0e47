"""The ports on AWS: SQS, SNS, EventBridge and DynamoDB. Nothing else imports botocore."""

from blackcat.adapters_aws.clients import AwsOptions, forget_clients
from blackcat.adapters_aws.dynamodb import DynamoTable
from blackcat.adapters_aws.dynamodb_transactions import DynamoTransactions
from blackcat.adapters_aws.eventbridge import EventBridgeBus
from blackcat.adapters_aws.parameters import SsmParameterStore
from blackcat.adapters_aws.provisioning import Provisioner, provision
from blackcat.adapters_aws.secrets import SecretsManagerStore
from blackcat.adapters_aws.sns import SnsTopic
from blackcat.adapters_aws.sqs import SqsBroker, SqsQueue

__all__ = [
    "AwsOptions",
    "DynamoTable",
    "DynamoTransactions",
    "EventBridgeBus",
    "Provisioner",
    "SecretsManagerStore",
    "SnsTopic",
    "SqsBroker",
    "SqsQueue",
    "SsmParameterStore",
    "forget_clients",
    "provision",
]
