package oxlin

// Challenge is one element of what a bank asks the user in the middle of a
// synchronisation: a credential definition, and the values for the {names} in
// its label (contract §4.10). It is stored as JSON, as long as it waits and in events.
type Challenge struct {
	CredentialDefinition
	Params map[string]string `json:"Params"`
}
