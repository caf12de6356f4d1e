"""Who gives a second opinion: a checklist, a service, a language model. No Django, no database."""
