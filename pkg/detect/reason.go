package detect

import (
	"slices"
	"strings"
)

// The reasons that say a pattern, as configs/providers.yaml gives them.
var (
	clientExpired = []string{"aadsts_7000222", "client_secret_expired", "expired_client_secret"}
	clientCodes   = []string{
		"aadsts_70002", "aadsts_7000215", "aadsts_7000216", "aadsts_7000218", "aadsts_700027", "bad_client_id", "bad_client_secret",
		"client_authentication_failed", "client_disabled", "client_not_found", "client_refused", "client_secret_mismatch", "deleted_client",
		"disabled_client", "inactive_client", "incorrect_client_credentials", "incorrect_client_secret", "invalid_client", "invalid_client_credentials",
		"invalid_client_id", "invalid_client_secret", "unauthorized_client", "unknown_client", "unknown_client_id",
	}
	policyCodes = []string{
		"aadsts_50105", "aadsts_50173", "aadsts_65001", "aadsts_700016", "aadsts_90094", "access_denied", "access_revoked", "admin_policy_enforced",
		"consent_required", "consent_revoked", "disabled_by_admin", "ip_restricted", "oauth_app_access_denied", "oauth_app_blocked", "policy_denied",
	}
)

// clientRefused reports whether a reason says that the OAuth client itself was refused.
func clientRefused(reason string) bool {
	return slices.Contains(clientCodes, reason) || slices.Contains(clientExpired, reason)
}

// policyReason reports whether a reason says that access was withdrawn or restricted by a policy, an administrator or a missing consent.
func policyReason(reason string) bool {
	return slices.Contains(policyCodes, reason) || strings.HasPrefix(reason, "aadsts_53")
}

// sourceOf is the page that explains a reason.
func sourceOf(reason, otherwise string) string {
	if strings.HasPrefix(reason, "aadsts_") {
		return "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"
	}
	return otherwise
}
