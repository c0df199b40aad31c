package contract_test

var section4 []fact
var section5 []fact
var section6 []fact
var section9 []fact
