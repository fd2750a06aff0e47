"""The ports on AWS: SQS, SNS and DynamoDB. Nothing else imports botocore."""

from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.dynamodb import DynamoTable
from blackcat.adapters_aws.provisioning import Provisioner, provision
from blackcat.adapters_aws.sns import SnsTopic
from blackcat.adapters_aws.sqs import SqsBroker, SqsQueue

__all__ = ["AwsOptions", "DynamoTable", "Provisioner", "SnsTopic", "SqsBroker", "SqsQueue", "provision"]
