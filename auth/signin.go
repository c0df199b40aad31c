package auth

import "net/http"

func (s *Server) showSignin(w http.ResponseWriter, r *http.Request)   {}
func (s *Server) answerSignin(w http.ResponseWriter, r *http.Request) {}
func (s *Server) sameOrigin(h http.HandlerFunc) http.Handler          { return h }
