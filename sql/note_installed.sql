do $$
begin
  perform pgq._note_installed(only_new_roles => false);
end
$$;
