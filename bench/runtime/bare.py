"""The floor of a webhook: a view that verifies the signature, and does nothing else."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from slack_sdk.signature import SignatureVerifier

from bench.runtime.environment import SECRET

_verifier = SignatureVerifier(SECRET)


@csrf_exempt
def events(request: HttpRequest) -> HttpResponse:
    """Answer 200 to what is signed."""
    return HttpResponse(status=200 if _verifier.is_valid_request(request.body, request.headers) else 401)
