"""A passkey without a browser: makes and signs what one would send."""

import hashlib
import json
import re
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ADD, LOG_IN = "/account/factors/webauthn/add/", "/account/factors/webauthn/login/"
AGAIN = "/account/factors/webauthn/reauthenticate/"
HOST = "localhost"  # browsers offer passkeys there
ID = 16 * b"k"
SHOWN = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class Passkey:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.user_handle = ""

    def add(self, client: Client) -> None:
        """Add it to the user who is logged in, on the page for it."""
        options = _options(client.get(ADD, headers={"Host": HOST}).content.decode())["creation_options"]
        self.user_handle = options["publicKey"]["user"]["id"]
        public_key = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]  # of fido2
        key = AttestedCredentialData.create(16 * b"\0", ID, public_key)
        proof = AttestationObject.create("none", self._data(AuthenticatorData.FLAG.AT, key), {})
        client_data = _client_data("webauthn.create", options)
        credential = _credential(clientDataJSON=client_data, attestationObject=proof)
        sent = {"name": "of a test", "passwordless": "on", "credential": credential}
        client.post(ADD, sent, headers={"Host": HOST})

    def log_in(self, client: Client) -> Any:
        """Log in with it alone; returns the answer."""
        options = client.get(LOG_IN, headers={"Host": HOST, "Accept": "application/json"}).json()
        signed = self._signed(options["request_options"])
        return client.post(LOG_IN, {"credential": signed}, headers={"Host": HOST})

    def show_again(self, client: Client, then: str) -> Any:
        """Answer the page that asks for it again."""
        html = client.get(AGAIN, headers={"Host": HOST}).content.decode()
        signed = self._signed(_options(html)["request_options"])
        return client.post(AGAIN, {"credential": signed, "next": then}, headers={"Host": HOST})

    def _signed(self, options: dict[str, Any]) -> str:
        client_data, data = _client_data("webauthn.get", options), self._data()
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return _credential(
            self.user_handle, clientDataJSON=client_data, authenticatorData=data, signature=signature
        )

    def _data(self, flag: int = 0, key: bytes = b"") -> AuthenticatorData:
        of_host = hashlib.sha256(HOST.encode()).digest()
        flags = AuthenticatorData.FLAG(SHOWN | flag)
        made: AuthenticatorData = AuthenticatorData.create(of_host, flags, 0, key)
        return made


def _options(html: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script id="passkey-options"[^>]*>(.*?)</script>', html, re.DOTALL)
    options: dict[str, Any] = json.loads(text)
    return options


def _client_data(kind: str, options: dict[str, Any]) -> CollectedClientData:
    return CollectedClientData.create(kind, options["publicKey"]["challenge"], f"http://{HOST}")


def _credential(user_handle: str = "", **response: bytes) -> str:
    encoded = {name: websafe_encode(value) for name, value in response.items()}
    if user_handle:
        encoded["userHandle"] = user_handle
    key = websafe_encode(ID)
    return json.dumps({"id": key, "rawId": key, "type": "public-key", "response": encoded})
