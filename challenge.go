package oxlin

// Challenge is one element of a bank's question to the user during a
// synchronisation: a credential definition, and the values for the {names} in its
// label (contract §4.10). Open questions and events store it as JSON.
type Challenge struct {
	CredentialDefinition
	Params map[string]string `json:"Params"`
}
