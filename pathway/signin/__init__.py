"""Who is there: signing in and out, second factors, sessions, single sign-on, tokens of service accounts."""
